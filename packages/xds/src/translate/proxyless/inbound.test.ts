import type { ConfigObject } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anEndpoint, anObject, aService } from "@fairlead/mesh/testing";
import { serviceKey } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { Listener } from "../../proto/types.ts";
import { translate } from "../translate.ts";

const PREFIX = "xds.istio.io/grpc/lds/inbound/";

function made(config: readonly ConfigObject[] = [], labels: Record<string, string> = {}) {
  const service = aService("shop.default.svc.cluster.local", {
    ports: [{ number: 80, name: "grpc", protocol: "GRPC" }],
  });
  const { hostname, namespace } = service;
  const mesh = Mesh.of({
    meshConfig: {},
    services: [service],
    endpoints: [
      [serviceKey(service), { hostname, namespace, endpoints: [anEndpoint("10.0.0.1", { ports: { grpc: 50051 } })] }],
    ],
    config,
  });
  const node = aNode("shop-1.default", "10.0.0.1", { GENERATOR: "grpc", LABELS: labels });
  const { listeners, diagnostics } = translate(mesh, node);
  const own = listeners.filter(({ name }) => name.startsWith(PREFIX));
  const chain = (own[0]?.resource as Listener | undefined)?.filterChains?.[0];
  const manager = chain?.filters?.[0]?.typedConfig as { httpFilters?: { name: string }[] } | undefined;
  return {
    names: own.map(({ name }) => name.slice(PREFIX.length)),
    chain: chain?.name,
    filters: manager?.httpFilters?.map(({ name }) => name),
    said: diagnostics.map(({ path, object }) => `${object?.name} ${path}`),
  };
}

const peers = (mode: "STRICT" | "PERMISSIVE" | "DISABLE") =>
  anObject("PeerAuthentication", "peers", { mtls: { mode } });

describe("the listeners of a gRPC server", () => {
  test("are there under every address that it may bind", () => {
    expect(made().names).toEqual(["0.0.0.0:50051", "10.0.0.1:50051", "127.0.0.1:50051", "[::1]:50051", "[::]:50051"]);
  });

  test.each<[string, ConfigObject[], Record<string, string>, string]>([
    ["nothing is said", [], {}, "inbound-plaintext"],
    ["the program says that it speaks it", [], { "security.istio.io/tlsMode": "istio" }, "inbound-mtls"],
    ["it must", [peers("STRICT")], {}, "inbound-mtls"],
    ["it must not", [peers("DISABLE")], { "security.istio.io/tlsMode": "istio" }, "inbound-plaintext"],
  ])("take mutual TLS or plain text: %s", (_, config, labels, chain) => {
    expect(made(config, labels).chain).toBe(chain);
  });

  test("enforce what gRPC can decide, and say what it cannot", () => {
    const policy = (name: string, action: "ALLOW" | "DENY" | "CUSTOM") =>
      anObject("AuthorizationPolicy", name, {
        action,
        ...(action === "CUSTOM" ? { provider: { name: "p" } } : {}),
        rules: [{ to: [{ operation: { paths: ["/a"] } }] }],
      });
    const tokens = anObject("RequestAuthentication", "tokens", { jwtRules: [{ issuer: "a", jwks: "{}" }] });
    const { filters, said } = made([policy("a", "ALLOW"), policy("d", "DENY"), policy("c", "CUSTOM"), tokens]);
    expect(filters).toEqual(["envoy.filters.http.rbac", "envoy.filters.http.rbac.1", "envoy.filters.http.router"]);
    expect(said).toEqual(["tokens spec.jwtRules", "c spec.action"]);
  });
});
