import type { ConfigObject, GatewayServer } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anEndpoint, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { gatewayServersOf } from "./gateway-servers.ts";
import { meshOf, reading } from "./testing.ts";

const router: ProxyNode = {
  ...aNode("gateway-1.istio-system", "10.0.0.1", { LABELS: { istio: "ingress" } }),
  type: "router",
};

function server(number: number, protocol: string, more: Partial<GatewayServer> = {}): GatewayServer {
  return { port: { number, protocol, name: protocol.toLowerCase() }, hosts: ["*"], ...more };
}

const SIMPLE = { mode: "SIMPLE", credentialName: "c" } as const;

function gateway(name: string, servers: readonly GatewayServer[], metadata: object = {}): ConfigObject<"Gateway"> {
  return anObject("Gateway", name, { selector: { istio: "ingress" }, servers }, metadata);
}

function merged(...gateways: readonly ConfigObject<"Gateway">[]) {
  const { ports, byRouteName, diagnostics } = reading(meshOf([], gateways), router, gatewayServersOf);
  return {
    ports: ports.map(
      ({ port, protocol, servers }) => `${port} ${protocol} ${servers.map(({ path }) => path).join(" ")}`,
    ),
    routes: [...byRouteName.keys()],
    left: diagnostics.map(({ object, path }) => `${object?.name} ${path}`),
  };
}

describe("what is put together", () => {
  test("plain HTTP of several Gateways shares a port and a route name", () => {
    expect(merged(gateway("a", [server(80, "HTTP")]), gateway("b", [server(80, "HTTP2")]))).toEqual({
      ports: ["80 HTTP spec.servers[0] spec.servers[0]"],
      routes: ["http.80"],
      left: [],
    });
  });

  test("every server that ends TLS has routes of its own", () => {
    const servers = ["a", "b"].map((name) => ({
      ...server(443, "HTTPS", { tls: SIMPLE, hosts: [`${name}.example`] }),
      port: { number: 443, protocol: "HTTPS", name },
    }));
    expect(merged(gateway("g", servers))).toEqual({
      ports: ["443 HTTPS spec.servers[0] spec.servers[1]"],
      routes: ["https.443.a.g.default", "https.443.b.g.default"],
      left: [],
    });
  });

  test("what is handed on encrypted or is no HTTP has no routes", () => {
    expect(
      merged(
        gateway("g", [
          server(443, "HTTPS", { tls: { mode: "PASSTHROUGH" } }),
          server(9000, "TCP"),
          server(9443, "TLS", { tls: SIMPLE }),
        ]),
      ).routes,
    ).toEqual([]);
  });

  test("a bind address makes another listener and another route name", () => {
    const made = merged(gateway("a", [server(80, "HTTP")]), gateway("b", [server(80, "HTTP", { bind: "10.0.0.9" })]));
    expect(made.ports).toHaveLength(2);
    expect(made.routes).toEqual(["http.80", "http.80.10.0.0.9"]);
  });
});

describe("what is left out", () => {
  test("TCP where HTTP is spoken, and the other way round", () => {
    expect(merged(gateway("a", [server(80, "HTTP")]), gateway("b", [server(80, "TCP")])).left).toEqual([
      "b spec.servers[0]",
    ]);
    expect(merged(gateway("a", [server(80, "TCP")]), gateway("b", [server(80, "HTTP")])).left).toEqual([
      "b spec.servers[0]",
    ]);
  });

  test("the same name over TLS twice", () => {
    const one = server(443, "HTTPS", { tls: SIMPLE, hosts: ["a.example"] });
    expect(merged(gateway("a", [one]), gateway("b", [one])).left).toEqual(["b spec.servers[0]"]);
  });

  test("a port name twice in one Gateway", () => {
    const of = (host: string) => server(443, "HTTPS", { tls: SIMPLE, hosts: [host] });
    expect(merged(gateway("g", [of("a.example"), of("b.example")])).left).toEqual(["g spec.servers[1]"]);
  });
});

describe("where a server listens", () => {
  const ports = [{ number: 80, name: "http", protocol: "HTTP" as const, targetPort: 8080 }];
  const service = (labels = {}) => aService("gw.istio-system.svc.cluster.local", { ports, labels });
  const endpoint = anEndpoint("10.0.0.1", { ports: { http: 8080 }, namespace: "istio-system" });
  const portsOf = (labels: Record<string, string>, metadata: object = {}) => {
    const target = service(labels);
    const { hostname, namespace } = target;
    const mesh = Mesh.of({
      meshConfig: {},
      services: [target],
      endpoints: [["gw", { hostname, namespace, endpoints: [endpoint] }]],
      config: [gateway("g", [server(80, "HTTP"), server(81, "HTTP")], metadata)],
    });
    return reading(mesh, router, gatewayServersOf).ports.map(({ port, routeName }) => `${port} ${routeName}`);
  };

  test("on the target port of its service's port, else on the port itself", () => {
    expect(portsOf({})).toEqual(["8080 http.8080", "81 http.81"]);
  });

  test("on the port itself where the service says so", () => {
    expect(portsOf({ "experimental.istio.io/disable-gateway-port-translation": "true" })).toEqual([
      "80 http.80",
      "81 http.81",
    ]);
  });

  test("on ports of the service it names only, for the Gateway API", () => {
    const annotations = { "internal.istio.io/gateway-service": "gw.istio-system.svc.cluster.local" };
    expect(portsOf({}, { namespace: "istio-system", annotations })).toEqual(["8080 http.8080"]);
    expect(portsOf({}, { namespace: "other", annotations })).toEqual([]);
  });
});

test("hosts name the Gateway's namespace, or none", () => {
  const hosts = ["./a.example", "*/b.example", "ns/c.example", "d.example"];
  const mesh = meshOf([], [gateway("g", [server(443, "HTTPS", { hosts, tls: SIMPLE })])]);
  const [placed] = reading(mesh, router, gatewayServersOf).ports[0]?.servers ?? [];
  expect(placed?.hosts).toEqual(["default/a.example", "b.example", "ns/c.example", "d.example"]);
  expect(placed?.sniHosts).toEqual(["a.example", "b.example", "c.example", "d.example"]);
});
