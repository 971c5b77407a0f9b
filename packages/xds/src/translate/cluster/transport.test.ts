import { expect, test } from "vitest";
import { automaticMutualTls, tlsSocket, withProxyProtocol } from "./transport.ts";

const socket = tlsSocket({ sni: "x" });

test("automatic mTLS falls back to plaintext for endpoints without a proxy", () => {
  expect(automaticMutualTls(socket).transportSocketMatches).toMatchObject([
    { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: socket },
    { name: "tlsMode-disabled", match: {}, transportSocket: { name: "envoy.transport_sockets.raw_buffer" } },
  ]);
});

test("the PROXY header goes round whatever there is", () => {
  const inner = (fields: ReturnType<typeof withProxyProtocol>) => fields.transportSocket?.typedConfig;
  expect(inner(withProxyProtocol({}, { version: "V1" }))).toMatchObject({
    config: {},
    transportSocket: { name: "envoy.transport_sockets.raw_buffer" },
  });
  expect(inner(withProxyProtocol({ transportSocket: socket }, { version: "V2" }))).toMatchObject({
    config: { version: "V2" },
    transportSocket: socket,
  });
  const matches = withProxyProtocol(automaticMutualTls(socket), { version: "V2" }).transportSocketMatches;
  expect(matches?.map((match) => match.transportSocket?.name)).toEqual([
    "envoy.transport_sockets.upstream_proxy_protocol",
    "envoy.transport_sockets.upstream_proxy_protocol",
  ]);
});
