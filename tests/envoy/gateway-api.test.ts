import { type IncomingHttpHeaders, request } from "node:http";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { formatDiagnostic } from "@fairlead/model";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";
import { serveOnLoopback } from "../support/loopback.ts";

const GATEWAY = "127.0.88.2";
const PORT = 18_088;

/** A Service with one endpoint on this machine. */
const service = (name: string, namespace: string, port: number) => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { clusterIP: None, ports: [{ name: http, port: 80, targetPort: ${port} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
---`;

const route = (name: string, spec: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: default }
spec:
  parentRefs: [{ name: edge }]
${spec}
---`;

const to = (...names: string[]) => `backendRefs: [${names.map((name) => `{ name: ${name}, port: 80 }`).join(", ")}]`;

const ROUTES = [
  // The one that matches more goes first, whichever route it is in and wherever it stands.
  route(
    "wide",
    `
  hostnames: [order.example]
  rules:
    - ${to("one")}
    - matches: [{ path: { value: /v } }, { headers: [{ name: x-kind, value: beta }] }]
      ${to("one")}`,
  ),
  route(
    "narrow",
    `
  hostnames: [order.example]
  rules:
    - matches: [{ path: { value: /v/2 } }]
      ${to("two")}
    - matches: [{ path: { value: /v }, headers: [{ name: x-kind, value: beta }] }]
      ${to("two")}
    - matches: [{ path: { type: Exact, value: /v/2/exact } }]
      ${to("one")}`,
  ),
  route(
    "redirects",
    `
  hostnames: [moved.example]
  rules:
    - matches: [{ path: { value: /old } }]
      filters:
        - type: RequestRedirect
          requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new }, statusCode: 301 }
    - matches: [{ path: { value: /secure } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, hostname: safe.example } }]`,
  ),
  route(
    "rewrites",
    `
  hostnames: [rewritten.example]
  rules:
    - matches: [{ path: { value: /app } }]
      filters:
        - type: URLRewrite
          urlRewrite: { hostname: inner.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: / } }
      ${to("one")}
    - matches: [{ path: { value: /whole } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /fixed } } }]
      ${to("one")}`,
  ),
  route(
    "headers",
    `
  hostnames: [headers.example]
  rules:
    - filters:
        - type: RequestHeaderModifier
          requestHeaderModifier:
            add: [{ name: x-added, value: more }]
            set: [{ name: x-set, value: new }]
            remove: [x-gone]
        - type: ResponseHeaderModifier
          responseHeaderModifier: { set: [{ name: x-answered, value: here }] }
      ${to("one")}`,
  ),
  route(
    "weights",
    `
  hostnames: [weights.example]
  rules:
    - backendRefs: [{ name: one, port: 80, weight: 1 }, { name: two, port: 80, weight: 3 }]
    - matches: [{ path: { value: /none } }]
      backendRefs: [{ name: one, port: 80, weight: 0 }]`,
  ),
  route(
    "elsewhere",
    `
  hostnames: [elsewhere.example]
  rules:
    - backendRefs: [{ name: two, namespace: vault, port: 80 }]`,
  ),
].join("");

const GRANT = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: routes, namespace: vault }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: "", kind: Service, name: two }]
`;

/** Gateways listen on all addresses; a test does on its own only. */
const MESH = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: loopback, namespace: default }
spec:
  configPatches:
    - applyTo: LISTENER
      match: { context: GATEWAY }
      patch:
        operation: MERGE
        value: { address: { socketAddress: { address: ${GATEWAY}, portValue: ${PORT} } } }
---
apiVersion: v1
kind: Service
metadata: { name: gateway, namespace: default }
spec: { selector: { app: gateway }, clusterIP: None, ports: [{ name: http, port: 80, targetPort: ${PORT} }] }
---
apiVersion: v1
kind: Pod
metadata: { name: gateway-1, namespace: default, labels: { app: gateway } }
spec: { containers: [{ name: istio-proxy, image: proxy }] }
status: { phase: Running, podIP: ${GATEWAY}, conditions: [{ type: Ready, status: "True" }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: default }
spec:
  gatewayClassName: istio
  addresses: [{ type: Hostname, value: gateway }]
  listeners: [{ name: http, port: 80, protocol: HTTP }]
---`;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What the backend was asked; undefined where none was. */
  readonly seen: { readonly by: string; readonly path: string; readonly headers: IncomingHttpHeaders } | undefined;
}

function ask(host: string, path = "/", headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: GATEWAY, port: PORT, path, headers: { host, ...headers }, timeout: 3000 },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("error", reject);
        response.on("end", () => {
          const seen = body.startsWith("{") ? (JSON.parse(body) as Answer["seen"]) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, seen });
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer in 3 s")));
    call.on("error", reject);
    call.end();
  });
}

it("an Envoy serves routes of the Gateway API as they say", { timeout: 60_000 }, async () => {
  await using stack = new AsyncDisposableStack();
  const backend = (by: string) =>
    serveOnLoopback(stack, ({ url, headers }, response) => {
      response.end(JSON.stringify({ by, path: url, headers }));
    });
  const [one, two] = [await backend("one"), await backend("two")];
  const services = [service("one", "default", one), service("two", "default", two), service("two", "vault", two)];
  const store = textStore({ "mesh.yaml": MESH + services.join(""), "routes.yaml": ROUTES });
  const { documents } = store;
  const plane = stack.use(
    await createControlPlane({ config: store, documents, registries: [manifestsRegistry(documents)] }),
  );
  const said = () => plane.diagnostics().filter(({ code }) => code === "gateway-api-refused");
  expect(said().map(formatDiagnostic)).toEqual([
    expect.stringMatching(/^routes\.yaml:\d+:\d+: warning HTTPRoute default\/elsewhere .*missing a ReferenceGrant/),
  ]);
  const { ads } = await plane.listen({ ads: "127.0.88.1:15010" });
  await startGatewayEnvoy(stack, GATEWAY, ads);
  await plane.converged();

  const by = async (...call: Parameters<typeof ask>) => (await ask(...call)).seen?.by;
  const beta = { "x-kind": "beta" };
  expect(await Promise.all([by("order.example"), by("order.example", "/v"), by("order.example", "/v/2")])).toEqual([
    "one",
    "one",
    "two",
  ]);
  expect(
    await Promise.all([
      by("order.example", "/v/2/exact"),
      by("order.example", "/v/22"),
      by("order.example", "/v", beta),
    ]),
  ).toEqual(["one", "one", "two"]);

  const moved = await ask("moved.example", "/old/place?q=1");
  expect([moved.status, moved.headers.location]).toEqual([301, "http://moved.example/new/place?q=1"]);
  const secured = await ask("moved.example", "/secure");
  expect([secured.status, secured.headers.location]).toEqual([302, "https://safe.example/secure"]);

  const { seen: rewritten } = await ask("rewritten.example", "/app/page?q=1");
  expect([rewritten?.path, rewritten?.headers.host]).toEqual(["/page?q=1", "inner.example"]);
  expect((await ask("rewritten.example", "/app")).seen?.path).toBe("/");
  // A prefix is of whole segments.
  expect((await ask("rewritten.example", "/apple")).status).toBe(404);
  expect((await ask("rewritten.example", "/whole/of/it")).seen?.path).toBe("/fixed");

  const edited = await ask("headers.example", "/", { "x-added": "given", "x-set": "old", "x-gone": "secret" });
  expect(edited.seen?.headers).toMatchObject({ "x-added": "given, more", "x-set": "new" });
  expect(edited.seen?.headers).not.toHaveProperty("x-gone");
  expect(edited.headers["x-answered"]).toBe("here");

  let toTwo = 0;
  for (let call = 0; call < 400; call++) if ((await by("weights.example")) === "two") toTwo++;
  // Three in four; this far off once in a million runs.
  expect(Math.abs(toTwo - 300)).toBeLessThan(45);
  expect((await ask("weights.example", "/none")).status).toBe(500);

  expect(await ask("elsewhere.example")).toMatchObject({ status: 500, seen: undefined });
  store.set({ "grant.yaml": GRANT });
  await plane.converged();
  expect(await by("elsewhere.example")).toBe("two");
  expect(said()).toEqual([]);
});
