import type { MeshProxyConfig } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import type { HttpConnectionManager, Listener } from "../../proto/types.ts";
import { translate } from "../translate.ts";

const services = [
  aService("web.default.svc.cluster.local", { ports: [{ number: 80, name: "http", protocol: "HTTP" }] }),
  aService("db.default.svc.cluster.local", {
    addresses: ["10.96.0.2"],
    ports: [{ number: 5432, name: "tcp", protocol: "TCP" }],
  }),
];

function listeners(defaultConfig: MeshProxyConfig, metadata: Record<string, unknown> = {}) {
  const mesh = Mesh.of({ meshConfig: { defaultConfig }, services });
  const made = translate(mesh, aNode(undefined, undefined, metadata)).listeners;
  return (name: string) => made.find((one) => one.name === name)?.resource as Listener | undefined;
}

function managers(defaultConfig: MeshProxyConfig, metadata: Record<string, unknown> = {}) {
  const of = listeners(defaultConfig, metadata);
  const manager = (name: string): HttpConnectionManager | undefined =>
    [...(of(name)?.filterChains ?? []), of(name)?.defaultFilterChain]
      .flatMap((chain) => chain?.filters ?? [])
      .find((filter) => filter.name?.endsWith("http_connection_manager"))?.typedConfig as
      | HttpConnectionManager
      | undefined;
  return { outbound: manager("0.0.0.0_80"), inbound: manager("virtualInbound") };
}

describe("switched settings of requests", () => {
  test("the server header: a name of its own, or left as it comes", () => {
    const named = managers({ proxyHeaders: { server: { value: "mine" } } });
    expect([named.inbound?.serverName, named.outbound?.serverName]).toEqual(["mine", "mine"]);
    const off = managers({ proxyHeaders: { server: { disabled: true } } });
    expect([off.inbound?.serverHeaderTransformation, off.outbound?.serverHeaderTransformation]).toEqual([
      "PASS_THROUGH",
      "PASS_THROUGH",
    ]);
  });

  test("request ids, the attempt count and what Envoy tells of itself", () => {
    const { inbound, outbound } = managers({
      proxyHeaders: { requestId: { disabled: true }, envoyDebugHeaders: { disabled: true } },
    });
    expect([inbound?.generateRequestId, outbound?.generateRequestId]).toEqual([false, false]);
    expect(inbound?.httpFilters?.at(-1)?.typedConfig).toMatchObject({ suppressEnvoyHeaders: true });
    const usual = managers({});
    expect([usual.inbound?.generateRequestId, usual.outbound?.generateRequestId]).toEqual([undefined, undefined]);
  });

  test("HTTP/1.0 and the case of header names", () => {
    expect(managers({}).inbound?.httpProtocolOptions).toBeUndefined();
    expect(managers({}, { HTTP10: "1" }).outbound?.httpProtocolOptions).toMatchObject({ acceptHttp10: true });
    expect(managers({ proxyHeaders: { preserveHttp1HeaderCase: true } }).inbound?.httpProtocolOptions).toMatchObject({
      headerKeyFormat: { statefulFormatter: { name: "preserve_case" } },
    });
  });
});

test("what a proxy says that it was started with goes before the mesh's settings", () => {
  const own = managers(
    { proxyHeaders: { server: { value: "mesh" }, requestId: { disabled: true } } },
    { PROXY_CONFIG: { proxyHeaders: { server: { value: "own" } } } },
  );
  expect([own.inbound?.serverName, own.inbound?.generateRequestId]).toEqual(["own", undefined]);
});

describe("exact balance of connections", () => {
  test.each([
    [{}, undefined, undefined],
    [{ INBOUND_LISTENER_EXACT_BALANCE: "true" }, { exactBalance: {} }, undefined],
    [{ OUTBOUND_LISTENER_EXACT_BALANCE: "true" }, undefined, { exactBalance: {} }],
  ])("%j", (metadata, inbound, outbound) => {
    const of = listeners({}, metadata);
    expect(of("virtualInbound")?.connectionBalanceConfig).toEqual(inbound);
    expect(of("10.96.0.2_5432")?.connectionBalanceConfig).toEqual(outbound);
  });
});
