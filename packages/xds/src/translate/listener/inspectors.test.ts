import { expect, test } from "vitest";
import type { FilterChainMatch } from "../../proto/types.ts";
import { inspectors } from "./inspectors.ts";

const chains = (...matches: FilterChainMatch[]) => matches.map((filterChainMatch) => ({ filterChainMatch }));
const on = (port: number) => ({ destinationPortRange: { start: port, end: port + 1 } });
const shown = (list: ReturnType<typeof inspectors>) =>
  list.map(({ name, filterDisabled }) => [name?.split(".").at(-1), filterDisabled]);

test("nothing is looked at where nothing depends on it", () => {
  expect(inspectors(chains({ destinationPort: 9000 }))).toEqual([]);
});

test("ports that need no look are left out of it", () => {
  const found = inspectors(
    chains(
      { destinationPort: 15006 },
      { transportProtocol: "tls" },
      { applicationProtocols: ["http/1.1", "h2c"], transportProtocol: "raw_buffer" },
      { destinationPort: 9080, transportProtocol: "tls" },
    ),
  );
  expect(shown(found)).toEqual([
    ["tls_inspector", on(15006)],
    ["http_inspector", { orMatch: { rules: [on(9080), on(15006)] } }],
  ]);
});

test("where no port in general needs TLS, only those that do are looked at", () => {
  const found = inspectors(chains({ destinationPort: 1 }, { destinationPort: 9080, transportProtocol: "tls" }));
  expect(shown(found)).toEqual([["tls_inspector", { notMatch: on(9080) }]]);
});

test("the protocols of the mesh are known from TLS alone", () => {
  const found = inspectors(chains({ transportProtocol: "tls", applicationProtocols: ["istio-http/1.1"] }));
  expect(shown(found)).toEqual([["tls_inspector", undefined]]);
});
