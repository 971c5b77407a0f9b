import type { ConfigObject, GatewayServer, HttpRoute } from "@fairlead/config";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { sharedHosts } from "./gateway-route-configuration.ts";
import { meshOf, routeConfiguration } from "./testing.ts";

const router: ProxyNode = {
  ...aNode("gateway-1.istio-system", "10.0.0.1", { LABELS: { istio: "ingress" } }),
  type: "router",
};
const HTTP: GatewayServer = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] };

const gateway = (servers: readonly GatewayServer[], name = "g") =>
  anObject("Gateway", name, { selector: { istio: "ingress" }, servers }, { namespace: "istio-system" });
const speaks = (name: string, hosts: readonly string[], http: readonly HttpRoute[], namespace = "default") =>
  anObject("VirtualService", name, { hosts, gateways: ["istio-system/g"], http }, { namespace });
const to = (name: string, prefix?: string): HttpRoute => ({
  name,
  ...(prefix ? { match: [{ uri: { prefix } }] } : {}),
  route: [{ destination: { host: "reviews" } }],
});

function made(config: readonly ConfigObject[], name = "http.80") {
  return routeConfiguration(meshOf([aService("reviews.default.svc.cluster.local")], config), router, name);
}

const hostsOf = (config: readonly ConfigObject[], name?: string) =>
  (made(config, name).resource.virtualHosts ?? []).map(({ name, domains, routes = [], requireTls }) => ({
    name,
    domains,
    routes: routes.map((route) => route.name),
    ...(requireTls ? { requireTls } : {}),
  }));

describe("hosts", () => {
  test("nobody to route to: everything is not found", () => {
    expect(made([gateway([HTTP])]).resource).toMatchObject({
      name: "http.80",
      ignorePortInHostMatching: true,
      virtualHosts: [{ name: "blackhole:80", domains: ["*"] }],
    });
  });

  test("a route name that no server has", () => {
    expect(made([gateway([HTTP])], "http.81").resource).toEqual({ name: "http.81", validateClusters: false });
  });

  test("VirtualServices of one host are put together, catch-alls last", () => {
    const config = [
      gateway([HTTP]),
      speaks("a", ["a.example"], [to("a-all")]),
      speaks("b", ["a.example"], [to("b-one", "/b"), to("b-all")]),
    ];
    expect(hostsOf(config)).toEqual([
      { name: "a.example:80", domains: ["a.example"], routes: ["b-one", "a-all", "b-all"] },
    ]);
  });

  test("hosts with the same routes are one virtual host, named by the most specific", () => {
    const config = [
      gateway([HTTP]),
      speaks("a", ["b.example", "longer.example", "*.wild.example"], [to("r")]),
      speaks("b", ["c.example"], [to("s")]),
    ];
    expect(hostsOf(config)).toEqual([
      { name: "c.example:80", domains: ["c.example"], routes: ["s"] },
      { name: "longer.example:80", domains: ["longer.example", "b.example", "*.wild.example"], routes: ["r"] },
    ]);
  });

  test("a server asks for TLS instead, with or without a VirtualService", () => {
    const redirecting = { ...HTTP, hosts: ["a.example", "ns/b.example"], tls: { httpsRedirect: true } };
    expect(hostsOf([gateway([redirecting]), speaks("a", ["a.example"], [to("r")])])).toEqual([
      { name: "a.example:80", domains: ["a.example"], routes: ["r"], requireTls: "ALL" },
      { name: "b.example:80", domains: ["b.example"], routes: [], requireTls: "ALL" },
    ]);
  });

  test("each server that ends TLS shows its own hosts", () => {
    const server = (name: string): GatewayServer => ({
      port: { number: 443, name, protocol: "HTTPS" },
      hosts: [`${name}.example`],
      tls: { mode: "SIMPLE", credentialName: name },
    });
    const config = [gateway([server("a"), server("b")]), speaks("v", ["*.example"], [to("r")])];
    expect(hostsOf(config, "https.443.b.g.istio-system").map(({ domains }) => domains)).toEqual([["b.example"]]);
  });

  test("matches of other gateways and ports do not count", () => {
    const match = (more: object) => ({ ...to("r"), match: [more] });
    const of = (more: object) => hostsOf([gateway([HTTP]), speaks("v", ["a.example"], [match(more), to("s", "/")])]);
    expect(of({ gateways: ["other"] })[0]?.routes).toEqual(["s"]);
    expect(of({ gateways: ["istio-system/g"] })[0]?.routes).toEqual(["r"]);
    expect(of({ port: 8080 })[0]?.routes).toEqual(["s"]);
    expect(of({ sourceLabels: { istio: "ingress" } })[0]?.routes).toEqual(["r"]);
  });
});

describe("destinations", () => {
  const clusterOf = (services: Parameters<typeof meshOf>[0], destination: { host: string }) => {
    const config = [gateway([HTTP]), speaks("v", ["a.example"], [{ route: [{ destination }] }])];
    const { resource } = routeConfiguration(meshOf(services, config), router, "http.80");
    return resource.virtualHosts?.[0]?.routes?.[0]?.route?.cluster;
  };

  test("the only port of the service, else the port of the server", () => {
    const one = aService("one.example");
    const two = aService("two.example", {
      ports: [
        { number: 1, name: "a", protocol: "HTTP" },
        { number: 2, name: "b", protocol: "HTTP" },
      ],
    });
    expect(clusterOf([one], { host: "one.example" })).toBe("outbound|9080||one.example");
    expect(clusterOf([two], { host: "two.example" })).toBe("outbound|80||two.example");
    expect(clusterOf([], { host: "three.example" })).toBe("outbound|80||three.example");
  });

  test("the service of the VirtualService's own namespace goes first", () => {
    const port = (number: number) => [{ number, name: "http", protocol: "HTTP" as const }];
    const services = [
      aService("s.example", { namespace: "aaa", ports: port(1), creationTime: "2020-01-01T00:00:00Z" }),
      aService("s.example", { namespace: "default", ports: port(2), creationTime: "2021-01-01T00:00:00Z" }),
    ];
    expect(clusterOf(services, { host: "s.example" })).toBe("outbound|2||s.example");
  });
});

test.each([
  [["*"], ["a.example"], ["a.example"]],
  [["*.example"], ["*.a.example", "b.test"], ["*.a.example"]],
  [["a.example", "b.example"], ["*.example"], ["a.example", "b.example"]],
  [["ns/*.example"], ["a.example"], ["a.example"]],
  [["other/*.example", "b.example"], ["a.example", "b.example"], ["b.example"]],
  [["a.example", "*"], ["a.example"], ["a.example"]],
])("of the server's %j and the VirtualService's %j: %j", (server, hosts, expected) => {
  expect(sharedHosts(server, { hosts, namespace: "ns" })).toEqual(expected);
});

test("what cannot be routed at all is reported", () => {
  const { diagnostics } = made([gateway([HTTP]), speaks("v", ["a.example"], [{ route: [] }])]);
  expect(diagnostics).toMatchObject([{ code: "route-without-destination", object: { name: "v" } }]);
});

test("sources are the Gateways and VirtualServices", () => {
  const { sources } = made([gateway([HTTP]), speaks("v", ["a.example"], [to("r")])]);
  expect(sources.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["Gateway g", "VirtualService v"]);
});
