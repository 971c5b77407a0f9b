import type { GatewayServer } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import type { Listener, RouteConfiguration } from "../../proto/types.ts";
import { translate } from "../translate.ts";

const node = { ...aNode("gw-1.default", "10.0.0.1", { LABELS: { app: "gw" } }), type: "router" as const };

function made(tls: NonNullable<GatewayServer["tls"]>, udp = true) {
  const port = (name: string, protocol: "HTTPS" | "UDP") => ({ name, number: 443, protocol, targetPort: 8443 });
  const service = aService("gw.default.svc.cluster.local", {
    selector: { app: "gw" },
    ports: [port("https", "HTTPS"), ...(udp ? [port("http3", "UDP")] : [])],
  });
  const gateway = anObject("Gateway", "gw", {
    selector: { app: "gw" },
    servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["a.test", "*.b.test"], tls }],
  });
  const route = anObject("VirtualService", "a", {
    hosts: ["*.b.test"],
    gateways: ["gw"],
    http: [{ route: [{ destination: { host: "gw" } }] }],
  });
  const { listeners, routes, diagnostics } = translate(
    Mesh.of({ meshConfig: {}, services: [service], config: [gateway, route] }),
    node,
  );
  const udpListener = listeners.find(({ name }) => name.startsWith("udp_"))?.resource as Listener | undefined;
  const headers = routes.flatMap(({ resource }) =>
    ((resource as RouteConfiguration).virtualHosts ?? []).flatMap(({ routes: list = [] }) =>
      list.map(({ responseHeadersToAdd }) =>
        responseHeadersToAdd?.map(({ header }) => `${header?.key}: ${header?.value}`),
      ),
    ),
  );
  return { names: listeners.map(({ name }) => name), udpListener, headers, paths: diagnostics.map(({ path }) => path) };
}

test("HTTP/3 is served beside HTTPS where the service has the port over UDP too", () => {
  const { names, udpListener, headers, paths } = made({ mode: "SIMPLE", credentialName: "c" });
  expect(names).toEqual(["0.0.0.0_8443", "udp_0.0.0.0_8443"]);
  expect(udpListener).toMatchObject({
    address: { socketAddress: { protocol: "UDP", address: "0.0.0.0", portValue: 8443 } },
    udpListenerConfig: { quicOptions: {}, downstreamSocketConfig: {} },
    filterChains: [
      {
        filterChainMatch: { serverNames: ["*.b.test", "a.test"] },
        filters: [{ typedConfig: { codecType: "HTTP3", rds: { routeConfigName: "https.443.https.gw.default" } } }],
        transportSocket: {
          name: "envoy.transport_sockets.quic",
          typedConfig: { downstreamTlsContext: { commonTlsContext: { alpnProtocols: ["h3"] } } },
        },
      },
    ],
  });
  expect(headers).toEqual([['alt-svc: h3=":443"; ma=86400']]);
  expect(paths).toEqual([]);
});

test("without the port there is none", () => {
  const { names, headers } = made({ mode: "SIMPLE", credentialName: "c" }, false);
  expect([names, headers]).toEqual([["0.0.0.0_8443"], [undefined]]);
});

test("nor where clients must show who they are, which is said", () => {
  const { names, headers, paths } = made({ mode: "MUTUAL", credentialName: "c" });
  expect([names, headers, paths]).toEqual([["0.0.0.0_8443"], [undefined], ["spec.servers[0].tls.mode"]]);
});
