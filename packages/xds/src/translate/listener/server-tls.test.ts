import type { MeshConfig, ServerTls } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import type { DownstreamTlsContext, Listener } from "../../proto/types.ts";
import { translate } from "../translate.ts";

function served(tls: ServerTls, meshConfig: MeshConfig = {}, metadata: Record<string, unknown> = {}) {
  const gateway = anObject("Gateway", "gw", {
    selector: { app: "gw" },
    servers: [{ port: { number: 443, name: "https", protocol: "HTTPS" }, hosts: ["a.test"], tls }],
  });
  const node = aNode("gw-1.default", "10.0.0.1", { LABELS: { app: "gw" }, ...metadata });
  const mesh = Mesh.of({ meshConfig, config: [gateway], services: [aService("sds.example")] });
  const { listeners, diagnostics } = translate(mesh, { ...node, type: "router" });
  const [listener] = listeners;
  const context = (listener?.resource as Listener | undefined)?.filterChains?.[0]?.transportSocket
    ?.typedConfig as DownstreamTlsContext;
  return { context, common: context.commonTlsContext, paths: diagnostics.map(({ path }) => path) };
}

const names = (list: readonly { name?: string }[] | undefined) => list?.map(({ name }) => name);

describe("ISTIO_MUTUAL", () => {
  test("is the mesh's own TLS: the workload's certificate, and clients of the mesh", () => {
    const { context, common, paths } = served({ mode: "ISTIO_MUTUAL", subjectAltNames: ["spiffe://td/ns/a/sa/b"] });
    expect(context.requireClientCertificate).toBe(true);
    expect(names(common?.tlsCertificateSdsSecretConfigs)).toEqual(["default"]);
    expect(common?.combinedValidationContext).toMatchObject({
      defaultValidationContext: { matchSubjectAltNames: [{ exact: "spiffe://td/ns/a/sa/b" }] },
      validationContextSdsSecretConfig: { name: "ROOTCA" },
    });
    expect(paths).toEqual([]);
  });

  test("shows files that the proxy was started with, over the agent", () => {
    const { common } = served(
      { mode: "ISTIO_MUTUAL" },
      {},
      {
        TLS_SERVER_CERT_CHAIN: "/c.pem",
        TLS_SERVER_KEY: "/k.pem",
        TLS_SERVER_ROOT_CERT: "/r.pem",
      },
    );
    expect(names(common?.tlsCertificateSdsSecretConfigs)).toEqual(["file-cert:/c.pem~/k.pem"]);
    expect(common?.combinedValidationContext?.validationContextSdsSecretConfig?.name).toBe("file-root:/r.pem");
  });

  test("has no settings of its own", () => {
    expect(served({ mode: "ISTIO_MUTUAL", credentialName: "c", minProtocolVersion: "TLSV1_3" }).paths).toEqual([
      "spec.servers[0].tls.credentialName",
      "spec.servers[0].tls.minProtocolVersion",
    ]);
  });
});

test.each([
  ["a credential", { credentialName: "c" }],
  ["files", { serverCertificate: "/c.pem", privateKey: "/k.pem", caCertificates: "/ca.pem" }],
])("clients beside %s: names, pins, revocations", (_, own) => {
  const pins = {
    verifyCertificateSpki: ["s"],
    verifyCertificateHash: ["h"],
    subjectAltNames: ["n"],
    caCrl: "/crl.pem",
  };
  const { common, paths } = served({ mode: "MUTUAL", ...own, ...pins });
  expect(common?.combinedValidationContext?.defaultValidationContext).toEqual({
    matchSubjectAltNames: [{ exact: "n" }],
    verifyCertificateSpki: ["s"],
    verifyCertificateHash: ["h"],
    crl: { filename: "/crl.pem" },
  });
  expect(paths).toEqual([]);
});

describe("credentials of an SDS provider", () => {
  const meshConfig: MeshConfig = {
    extensionProviders: [{ name: "vault", sds: { name: "vault", service: "sds.example", port: 9080 } }],
  };

  test("are asked of the provider's service", () => {
    const { common } = served({ mode: "SIMPLE", credentialName: "sds://web" }, meshConfig);
    expect(common?.tlsCertificateSdsSecretConfigs).toEqual([
      {
        name: "web",
        sdsConfig: {
          apiConfigSource: {
            apiType: "GRPC",
            grpcServices: [{ envoyGrpc: { clusterName: "outbound|9080||sds.example", authority: "sds.example" } }],
            setNodeOnFirstMessageOnly: true,
            transportApiVersion: "V3",
          },
          resourceApiVersion: "V3",
        },
      },
    ]);
  });

  test("are the agent's where it answers them itself", () => {
    const { common } = served({ mode: "SIMPLE", credentialName: "sds://web" }, meshConfig, { credential: "true" });
    expect(JSON.stringify(common)).not.toContain("outbound|");
  });
});
