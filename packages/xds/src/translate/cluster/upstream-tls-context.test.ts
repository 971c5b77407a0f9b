import type { ClientTls } from "@fairlead/config";
import { describe, expect, test } from "vitest";
import { type ContextInput, upstreamTlsContext } from "./upstream-tls-context.ts";

const context = (settings: ClientTls, fields: Partial<ContextInput> = {}) =>
  upstreamTlsContext({
    settings,
    clusterName: "outbound|80||a",
    content: "http",
    serviceNames: [],
    dynamic: false,
    compliance: undefined,
    tlsDefaults: undefined,
    credentialSocket: false,
    fileSocket: false,
    ...fields,
  });

describe("mesh mTLS", () => {
  test.each([
    ["http", ["istio-http/1.1", "istio", "http/1.1"]],
    ["http2", ["istio-h2", "istio", "h2"]],
    ["tcp", ["istio"]],
  ] as const)("%s offers its protocol", (content, expected) => {
    expect(context({ mode: "ISTIO_MUTUAL" }, { content })?.commonTlsContext?.alpnProtocols).toEqual(expected);
  });

  test("names and SNI; by default the cluster's name, for the dynamic forward proxy none", () => {
    expect(context({ mode: "ISTIO_MUTUAL", sni: "x", subjectAltNames: ["spiffe://a/b"] })).toMatchObject({
      sni: "x",
      commonTlsContext: {
        combinedValidationContext: { defaultValidationContext: { matchSubjectAltNames: [{ exact: "spiffe://a/b" }] } },
        tlsCertificateSdsSecretConfigs: [{ name: "default" }],
      },
    });
    expect(context({ mode: "ISTIO_MUTUAL" })?.sni).toBe("outbound|80||a");
    expect(context({ mode: "ISTIO_MUTUAL" }, { dynamic: true })?.sni).toBeUndefined();
  });
});

describe("TLS of the user's own", () => {
  const secrets = (settings: ClientTls) => {
    const common = context(settings)?.commonTlsContext;
    return [
      common?.tlsCertificateSdsSecretConfigs?.map(({ name }) => name),
      common?.combinedValidationContext?.validationContextSdsSecretConfig?.name,
    ];
  };
  test.each<[string, ClientTls, unknown]>([
    ["the system's roots", { mode: "SIMPLE" }, [undefined, "file-root:system"]],
    [
      "files",
      { mode: "MUTUAL", clientCertificate: "/c", privateKey: "/k", caCertificates: "/ca" },
      [["file-cert:/c~/k"], "file-root:/ca"],
    ],
    ["a credential", { mode: "MUTUAL", credentialName: "cred" }, [["kubernetes://cred"], "kubernetes://cred-cacert"]],
    ["a credential's roots only", { mode: "SIMPLE", credentialName: "cred" }, [undefined, "kubernetes://cred-cacert"]],
    ["no verification", { mode: "SIMPLE", insecureSkipVerify: true }, [undefined, undefined]],
  ])("%s", (_, settings, expected) => {
    expect(secrets(settings)).toEqual(expected);
  });

  test("names: stated, else those of the ServiceEntry", () => {
    const names = (settings: ClientTls) =>
      context(settings, { serviceNames: ["b"] })?.commonTlsContext?.combinedValidationContext?.defaultValidationContext;
    expect(names({ mode: "SIMPLE", subjectAltNames: ["a"] })).toEqual({ matchSubjectAltNames: [{ exact: "a" }] });
    expect(names({ mode: "SIMPLE" })).toEqual({ matchSubjectAltNames: [{ exact: "b" }] });
    expect(names({ mode: "SIMPLE", caCrl: "/crl" })).toMatchObject({ crl: { filename: "/crl" } });
  });

  test("HTTP/2 is offered, the mesh's ciphers and curves hold", () => {
    const common = context(
      { mode: "SIMPLE" },
      { content: "http2", tlsDefaults: { ecdhCurves: ["P-256"], cipherSuites: ["X"] } },
    );
    expect(common?.commonTlsContext).toMatchObject({
      alpnProtocols: ["h2"],
      tlsParams: { ecdhCurves: ["P-256"], cipherSuites: ["X"] },
    });
  });

  test("DISABLE is plaintext", () => {
    expect(context({ mode: "DISABLE" })).toBeUndefined();
  });
});
