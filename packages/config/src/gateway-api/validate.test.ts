import { describe, expect, it } from "vitest";
import { parseDocuments } from "../parse/documents.ts";
import { textStore } from "../stores/documents.ts";
import { validateGatewayApi } from "./validate.ts";

const GROUP = "gateway.networking.k8s.io";
const SPECS = {
  Gateway: { gatewayClassName: "istio", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  HTTPRoute: { parentRefs: [{ name: "gw" }], rules: [{ backendRefs: [{ name: "a", port: 80 }] }] },
  GRPCRoute: { rules: [{ matches: [{ method: { service: "pkg.Svc" } }], backendRefs: [{ name: "a", port: 80 }] }] },
  TLSRoute: { hostnames: ["a.example.com"], rules: [{ backendRefs: [{ name: "a", port: 443 }] }] },
  TCPRoute: { rules: [{ backendRefs: [{ name: "a", port: 443 }] }] },
  ListenerSet: { parentRef: { name: "gw" }, listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
  BackendTLSPolicy: {
    targetRefs: [{ group: "", kind: "Service", name: "a" }],
    validation: { hostname: "a.example.com", wellKnownCACertificates: "System" },
  },
  GatewayClass: { controllerName: "istio.io/gateway-controller" },
  ReferenceGrant: { from: [{ group: GROUP, kind: "HTTPRoute", namespace: "a" }], to: [{ group: "", kind: "Service" }] },
} as const;
type Kind = keyof typeof SPECS;

const document = (kind: Kind, spec: object, version = kind === "ReferenceGrant" ? "v1beta1" : "v1") => ({
  apiVersion: `${GROUP}/${version}`,
  kind,
  metadata: { name: "one", ...(kind !== "GatewayClass" && { namespace: "shop" }) },
  spec: { ...SPECS[kind], ...spec },
});
const filters = (...list: object[]) => ({ rules: [{ filters: list }] });
const matches = (...list: object[]) => ({ rules: [{ matches: list, backendRefs: [{ name: "a", port: 80 }] }] });
const listeners = (...list: object[]) => ({ listeners: list });
const redirect = {
  type: "RequestRedirect",
  requestRedirect: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } },
};

describe("what a CRD of the Gateway API takes", () => {
  it.each(Object.keys(SPECS) as Kind[])("a plain %s", (kind) => {
    expect(validateGatewayApi(document(kind, {}))?.diagnostics).toEqual([]);
  });

  it.each<[string, Kind, object]>([
    ["a redirect that replaces its one prefix", "HTTPRoute", { rules: [{ filters: [redirect] }] }],
    [
      "several mirrors",
      "HTTPRoute",
      filters(
        ...["a", "b"].map((name) => ({ type: "RequestMirror", requestMirror: { backendRef: { name, port: 80 } } })),
      ),
    ],
    [
      "a kind of backend without a port",
      "HTTPRoute",
      { rules: [{ backendRefs: [{ group: "x.io", kind: "Backend", name: "a" }] }] },
    ],
    [
      "one port for several names",
      "Gateway",
      listeners(
        { name: "a", port: 80, protocol: "HTTP", hostname: "a.com" },
        { name: "b", port: 80, protocol: "HTTP" },
      ),
    ],
  ])("%s", (_, kind, spec) => {
    expect(validateGatewayApi(document(kind, spec))?.diagnostics).toEqual([]);
  });

  it.each<[string, Kind, object, string, string]>([
    ["an unknown field", "HTTPRoute", { rulez: [] }, "unknown-field", "spec.rulez"],
    ["no listeners", "Gateway", { listeners: [] }, "out-of-range", "spec.listeners"],
    [
      "a port out of range",
      "Gateway",
      listeners({ name: "a", port: 70_000, protocol: "HTTP" }),
      "out-of-range",
      "spec.listeners[0].port",
    ],
    [
      "two listeners of one name",
      "Gateway",
      listeners({ name: "a", port: 80, protocol: "HTTP" }, { name: "a", port: 81, protocol: "HTTP" }),
      "duplicate",
      "spec.listeners",
    ],
    [
      "two listeners of one port and name",
      "Gateway",
      listeners({ name: "a", port: 80, protocol: "HTTP" }, { name: "b", port: 80, protocol: "HTTP" }),
      "duplicate",
      "spec.listeners[1]",
    ],
    [
      "TLS of plain HTTP",
      "Gateway",
      listeners({ name: "a", port: 80, protocol: "HTTP", tls: { options: { a: "b" } } }),
      "conflicting-fields",
      "spec.listeners[0].tls",
    ],
    [
      "passed-through HTTPS",
      "ListenerSet",
      listeners({ name: "a", port: 443, protocol: "HTTPS", tls: { mode: "Passthrough" } }),
      "invalid-tls",
      "spec.listeners[0].tls.mode",
    ],
    [
      "TLS without certificates",
      "Gateway",
      listeners({ name: "a", port: 443, protocol: "HTTPS", tls: {} }),
      "invalid-tls",
      "spec.listeners[0].tls",
    ],
    [
      "the host name of a TCP listener",
      "Gateway",
      listeners({ name: "a", port: 9, protocol: "TCP", hostname: "a.com" }),
      "conflicting-fields",
      "spec.listeners[0].hostname",
    ],
    ["a host name in capitals", "HTTPRoute", { hostnames: ["A.com"] }, "invalid-format", "spec.hostnames[0]"],
    [
      "one parent twice",
      "HTTPRoute",
      { parentRefs: [{ name: "gw" }, { name: "gw" }] },
      "duplicate",
      "spec.parentRefs[1]",
    ],
    [
      "a parent with and without a section",
      "HTTPRoute",
      { parentRefs: [{ name: "gw" }, { name: "gw", sectionName: "a" }] },
      "ambiguous-parent",
      "spec.parentRefs[1]",
    ],
    [
      "a Service without a port",
      "HTTPRoute",
      { rules: [{ backendRefs: [{ name: "a" }] }] },
      "required",
      "spec.rules[0].backendRefs[0].port",
    ],
    [
      "a relative path",
      "HTTPRoute",
      matches({ path: { value: "a" } }),
      "invalid-path",
      "spec.rules[0].matches[0].path.value",
    ],
    [
      "a path with an encoded slash",
      "HTTPRoute",
      matches({ path: { type: "Exact", value: "/a%2Fb" } }),
      "invalid-path",
      "spec.rules[0].matches[0].path.value",
    ],
    [
      "a filter without its settings",
      "HTTPRoute",
      filters({ type: "URLRewrite" }),
      "required",
      "spec.rules[0].filters[0].urlRewrite",
    ],
    [
      "settings of another filter",
      "HTTPRoute",
      filters({ type: "CORS", cors: {}, urlRewrite: {} }),
      "conflicting-fields",
      "spec.rules[0].filters[0].urlRewrite",
    ],
    [
      "one filter twice",
      "HTTPRoute",
      filters({ type: "CORS", cors: {} }, { type: "CORS", cors: {} }),
      "duplicate",
      "spec.rules[0].filters[1].type",
    ],
    [
      "a redirect with backends",
      "HTTPRoute",
      {
        rules: [
          { filters: [{ type: "RequestRedirect", requestRedirect: {} }], backendRefs: [{ name: "a", port: 80 }] },
        ],
      },
      "conflicting-fields",
      "spec.rules[0].backendRefs",
    ],
    [
      "a replaced prefix of an exact path",
      "HTTPRoute",
      { rules: [{ filters: [redirect], matches: [{ path: { type: "Exact", value: "/a" } }] }] },
      "invalid-match",
      "spec.rules[0].filters",
    ],
    [
      "an unknown status of a redirect",
      "HTTPRoute",
      filters({ type: "RequestRedirect", requestRedirect: { statusCode: 300 } }),
      "unknown-value",
      "spec.rules[0].filters[0].requestRedirect.statusCode",
    ],
    [
      "half a share too many",
      "HTTPRoute",
      filters({
        type: "RequestMirror",
        requestMirror: { backendRef: { name: "a", port: 80 }, fraction: { numerator: 3, denominator: 2 } },
      }),
      "out-of-range",
      "spec.rules[0].filters[0].requestMirror.fraction",
    ],
    [
      "an outer timeout shorter than the inner",
      "HTTPRoute",
      { rules: [{ timeouts: { request: "1s", backendRequest: "2s" } }] },
      "out-of-range",
      "spec.rules[0].timeouts.backendRequest",
    ],
    ["rules of one name", "HTTPRoute", { rules: [{ name: "a" }, { name: "a" }] }, "duplicate", "spec.rules[1].name"],
    [
      "too many matches",
      "HTTPRoute",
      { rules: [64, 64, 1].map((length) => ({ matches: Array.from({ length }, () => ({})) })) },
      "out-of-range",
      "spec.rules",
    ],
    [
      "no method and no service",
      "GRPCRoute",
      { rules: [{ matches: [{ method: {} }] }] },
      "required",
      "spec.rules[0].matches[0].method",
    ],
    [
      "two rules of a v1 route",
      "TCPRoute",
      { rules: [1, 2].map((port) => ({ backendRefs: [{ name: "a", port }] })) },
      "out-of-range",
      "spec.rules",
    ],
    ["a TLSRoute of everything", "TLSRoute", { hostnames: [] }, "required", "spec.hostnames"],
    ["an address as a name", "TLSRoute", { hostnames: ["1.2.3.4"] }, "invalid-format", "spec.hostnames[0]"],
    ["no roots", "BackendTLSPolicy", { validation: { hostname: "a.com" } }, "required", "spec.validation"],
    [
      "a controller without a domain",
      "GatewayClass",
      { controllerName: "istio" },
      "invalid-format",
      "spec.controllerName",
    ],
    ["a grant to nobody", "ReferenceGrant", { from: [] }, "out-of-range", "spec.from"],
  ])("not %s", (_, kind, spec, code, path) => {
    expect(validateGatewayApi(document(kind, spec))?.diagnostics).toMatchObject([{ severity: "error", code, path }]);
  });

  it("rules of versions", () => {
    const two = { rules: [1, 2].map((port) => ({ backendRefs: [{ name: "a", port }] })) };
    expect(validateGatewayApi(document("TCPRoute", two, "v1alpha2"))?.diagnostics).toEqual([]);
    expect(validateGatewayApi({ apiVersion: "networking.istio.io/v1", kind: "Gateway" })).toBe(undefined);
  });
});

const yaml = (port: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  rules:
  - backendRefs: [{name: web, port: ${port}}]
`;

it("documents say where it is wrong; the last good one stays in force", () => {
  expect(parseDocuments(yaml("0"), { file: "a.yaml" }).diagnostics).toMatchObject([
    { path: "spec.rules[0].backendRefs[0].port", position: { file: "a.yaml", line: 6, column: 31 } },
  ]);
  const store = textStore({ "a.yaml": yaml("80") });
  const spec = () => store.documents.get("HTTPRoute/default/web")?.value.spec;
  store.set({ "a.yaml": yaml("many") });
  expect(spec()).toMatchObject({ rules: [{ backendRefs: [{ port: 80 }] }] });
  expect(store.diagnostics()).toMatchObject([{ code: "wrong-type" }]);
  store.set({ "a.yaml": yaml("81") });
  expect(spec()).toMatchObject({ rules: [{ backendRefs: [{ port: 81 }] }] });
});

it("says in which version a kind is served", () => {
  const of = (apiVersion: string, kind: string) =>
    parseDocuments(JSON.stringify({ apiVersion, kind, metadata: { name: "a" } }), { file: "a.json" }).diagnostics;
  expect(of(`${GROUP}/v1alpha2`, "HTTPRoute")).toMatchObject([
    {
      severity: "warning",
      message: `HTTPRoute of ${GROUP}/v1alpha2 is not read; it is served as ${GROUP}/v1, ${GROUP}/v1beta1`,
    },
  ]);
  expect(of("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet")).toMatchObject([
    { message: expect.stringContaining(`it is served as ListenerSet of ${GROUP}/v1`) },
  ]);
  expect(of("gateway.networking.x-k8s.io/v1alpha1", "XMesh")).toEqual([]);
});
