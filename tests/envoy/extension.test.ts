import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";

const GATEWAY = "127.0.63.2";

const mesh = (backend: number) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  selector: { app: gateway }
  servers: [{ port: { number: 9080, name: http, protocol: HTTP }, bind: ${GATEWAY}, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{ route: [{ destination: { host: backend.example } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend }
spec:
  hosts: [backend.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${backend} } }]
`;

/** A script that sets a header of requests, and how it is told apart from others of its phase. */
const script = (name: string, value: string, more = "") => `
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: gateway } }
  ${more}
  lua:
    inlineCode: |
      function envoy_on_request(handle)
        local before = handle:headers():get("x-seen") or ""
        handle:headers():replace("x-seen", before .. "${value}")
      end
`;

const given = (value: string) => `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: given }
spec:
  workloadSelector: { labels: { app: gateway } }
  configPatches:
  - applyTo: HTTP_FILTER
    match: { context: GATEWAY, listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } } } } }
    patch:
      operation: INSERT_BEFORE
      value:
        name: given.lua
        config_discovery:
          config_source: { ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3 }
          type_urls: [type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua]
  - applyTo: EXTENSION_CONFIG
    match: { context: GATEWAY }
    patch:
      operation: ADD
      value:
        name: given.lua
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
          default_source_code:
            inline_string: |
              function envoy_on_request(handle)
                handle:headers():replace("x-seen", (handle:headers():get("x-seen") or "") .. "${value}")
              end
`;

it("Lua extensions over ECDS run in the order of phases and priorities, change without new listeners, and go", async () => {
  await using stack = new AsyncDisposableStack();
  const backend = createServer((request, response) => response.end(String(request.headers["x-seen"] ?? "nothing")));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void backend.close());
  const store = textStore({
    "mesh.yaml": mesh((backend.address() as AddressInfo).port),
    "last.yaml": script("a-last", "3"),
    "first.yaml": script("z-first", "1", "phase: AUTHN"),
    "second.yaml": script("second", "2", "priority: 5"),
    "outside.yaml": script("outside", "x", "match: [{ mode: SERVER }]"),
  });
  const plane = stack.use(await createControlPlane({ config: store }));
  const { ads } = await plane.listen({ ads: "127.0.63.1:15010" });
  const envoy = await startGatewayEnvoy(stack, GATEWAY, ads);
  await plane.converged();
  expect(plane.diagnostics()).toEqual([]);
  const seen = async () => (await fetch(`http://${GATEWAY}:9080/`)).text();
  const until = (text: string) => expect.poll(seen, { timeout: 5000 }).toBe(text);
  await until("123");

  const listeners = async () =>
    (await envoy.admin("/stats?filter=listener_manager.listener_(modified|added|in_place_updated)")).body;
  const before = await listeners();
  store.set({ "second.yaml": script("second", "two", "priority: 5") });
  await until("1two3");
  expect(await listeners()).toEqual(before);

  store.set({ "first.yaml": undefined });
  await until("two3");

  // The same by an EnvoyFilter: a filter that asks for its configuration, and what it is given.
  store.set({ "patch.yaml": given("p") });
  await until("two3p");
  store.set({ "patch.yaml": given("q") });
  await until("two3q");
  // That EnvoyFilters reach into what may change is always said.
  expect(plane.diagnostics().map(({ code }) => code)).toEqual(["internals"]);
  await plane.converged();
});
