import type { CompliancePolicy } from "@fairlead/mesh";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, it } from "vitest";
import type { TlsParameters } from "../proto/types.ts";
import { translate } from "./translate.ts";

/** The TLS parameters of every TLS context in a value, absent ones as `{}`. */
function parametersIn(value: unknown): TlsParameters[] {
  if (typeof value !== "object" || value === null) return [];
  const { commonTlsContext } = value as { readonly commonTlsContext?: { readonly tlsParams?: TlsParameters } };
  return [
    ...(commonTlsContext ? [commonTlsContext.tlsParams ?? {}] : []),
    ...Object.values(value).flatMap((inner) => parametersIn(inner)),
  ];
}

const sidecar = aNode("a-1.default", "10.0.0.1", { LABELS: { app: "a" } });
const gateway = { ...aNode("gateway-1.default", "10.0.0.2", { LABELS: { app: "gateway" } }), type: "router" as const };

function contexts(compliancePolicy: CompliancePolicy | undefined): TlsParameters[] {
  const mesh = Mesh.of({
    meshConfig: { tlsDefaults: { ecdhCurves: ["P-384"], cipherSuites: ["ECDHE-RSA-CHACHA20-POLY1305"] } },
    ...(compliancePolicy ? { compliancePolicy } : {}),
    services: [aService("web.default.svc.cluster.local")],
    config: [
      anObject("PeerAuthentication", "strict", { mtls: { mode: "STRICT" } }),
      anObject("DestinationRule", "web", {
        host: "web.default.svc.cluster.local",
        trafficPolicy: { tls: { mode: "SIMPLE" } },
        subsets: [{ name: "mesh", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } }],
      }),
      anObject("Gateway", "gateway", {
        selector: { app: "gateway" },
        servers: [
          {
            port: { number: 443, name: "https", protocol: "HTTPS" },
            hosts: ["*"],
            tls: {
              mode: "SIMPLE",
              credentialName: "c",
              minProtocolVersion: "TLSV1_0",
              cipherSuites: ["AES256-SHA", "ECDHE-RSA-AES128-GCM-SHA256"],
              ecdhCurves: ["X25519"],
            },
          },
          { port: { number: 8443, name: "mesh", protocol: "HTTPS" }, hosts: ["*"], tls: { mode: "ISTIO_MUTUAL" } },
        ],
      }),
    ],
  });
  return [sidecar, gateway].flatMap((node) => {
    const { clusters, listeners } = translate(mesh, node);
    return parametersIn([...clusters, ...listeners].map(({ resource }) => resource));
  });
}

describe("compliance policies hold for every TLS context", () => {
  it("and none changes nothing", () => {
    const made = contexts(undefined);
    expect(made.length).toBeGreaterThanOrEqual(6);
    expect(made).toContainEqual(expect.objectContaining({ tlsMinimumProtocolVersion: "TLSv1_0" }));
  });

  it("fips-140-2", () => {
    for (const params of contexts("fips-140-2")) {
      expect(params).toMatchObject({ tlsMinimumProtocolVersion: "TLSv1_2", tlsMaximumProtocolVersion: "TLSv1_2" });
      expect(params.ecdhCurves).toBeUndefined();
      for (const suite of params.cipherSuites ?? []) expect(suite).toMatch(/^ECDHE-(ECDSA|RSA)-AES(128|256)-GCM-SHA/);
    }
  });

  it("fips-140-3", () => {
    for (const params of contexts("fips-140-3")) expect(params.compliancePolicies).toEqual(["FIPS_202205"]);
  });

  it("pqc", () => {
    for (const params of contexts("pqc"))
      expect(params).toMatchObject({ tlsMinimumProtocolVersion: "TLSv1_3", ecdhCurves: ["X25519MLKEM768"] });
  });
});
