import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { RouteConfiguration } from "../proto/types.ts";
import { translate } from "./translate.ts";

const HOST = "a.default.svc.cluster.local";
const FILTER = "envoy.filters.http.stateful_session";

function made(labels: Record<string, string>, routes: readonly object[] = [], node: ProxyNode = aNode()) {
  const services = [aService(HOST, { labels }), aService("b.default.svc.cluster.local")];
  const config = [
    ...(routes.length > 0 ? [anObject("VirtualService", "a", { hosts: ["a"], http: routes as never })] : []),
  ];
  const {
    routes: configurations,
    listeners,
    diagnostics,
  } = translate(Mesh.of({ meshConfig: {}, services, config }), node);
  const hosts = configurations.flatMap(({ resource }) => (resource as RouteConfiguration).virtualHosts ?? []);
  const host = hosts.find(({ name }) => name?.startsWith(HOST));
  return { host, listeners: JSON.stringify(listeners), diagnostics };
}

const session = (state: object) => ({
  [FILTER]: {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
    statefulSession: { sessionState: state },
  },
});
const cookie = (fields: object) => ({
  name: "envoy.http.stateful_session.cookie",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
    cookie: fields,
  },
});

describe("persistent sessions", () => {
  test.each<[Record<string, string>, object]>([
    [{ "istio.io/persistent-session": "sid" }, cookie({ name: "sid", path: "/" })],
    [{ "istio.io/persistent-session": "sid:/shop" }, cookie({ name: "sid", path: "/shop" })],
    [
      { "istio.io/persistent-session-header": "x-sid" },
      {
        name: "envoy.http.stateful_session.header",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState",
          name: "x-sid",
        },
      },
    ],
  ])("%j", (labels, state) => {
    const { host, listeners } = made(labels);
    expect(host?.typedPerFilterConfig).toEqual(session(state));
    expect(listeners).toContain(`"${FILTER}"`);
  });

  test("are nobody's without the label", () => {
    const { host, listeners } = made({});
    expect(host?.typedPerFilterConfig).toBeUndefined();
    expect(listeners).not.toContain(FILTER);
  });

  test("are on the routes that lead to the service", () => {
    const to = (name: string) => ({ route: [{ destination: { host: name } }] });
    const { host } = made({ "istio.io/persistent-session": "sid" }, [
      { match: [{ uri: { prefix: "/b" } }], ...to("b") },
      to("a"),
    ]);
    expect(host?.routes?.map(({ typedPerFilterConfig }) => typedPerFilterConfig)).toEqual([
      undefined,
      session(cookie({ name: "sid", path: "/" })),
    ]);
  });
});
