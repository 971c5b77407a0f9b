import {
  bundlePem,
  createCsr,
  memoryKeyManager,
  newPrivateKey,
  type SelfSignedAuthority,
  selfSignedAuthority,
} from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";

/** A certificate with its key, PEM, and the fingerprint by which a client knows it. */
export interface ServerCertificate {
  readonly certificateChain: string;
  readonly privateKey: string;
}

/** An authority of one's own, beside the mesh's: of the public web, or of a company. */
export interface OutsideAuthority extends AsyncDisposable {
  readonly roots: string;
  issue(...dnsNames: string[]): Promise<ServerCertificate>;
}

export async function outsideAuthority(): Promise<OutsideAuthority> {
  const authority: SelfSignedAuthority = await selfSignedAuthority({
    trustDomain: "outside.example",
    keys: memoryKeyManager(),
  });
  const identity = workloadSpiffeId("outside.example", "web", "server");
  return {
    roots: bundlePem(authority.trustBundle),
    async issue(...dnsNames) {
      const key = newPrivateKey("ec-p256");
      const issued = await authority.issue({ csr: createCsr({ key, identity }), identity, dnsNames });
      return {
        certificateChain: issued.certificateChain.join(""),
        privateKey: String(key.export({ type: "pkcs8", format: "pem" })),
      };
    },
    [Symbol.asyncDispose]: () => authority.close(),
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** A Secret of the usual type; `trust` goes into `ca.crt`. */
export function tlsSecret(
  name: string,
  namespace: string,
  { certificateChain, privateKey }: ServerCertificate,
  trust?: string,
): string {
  return `apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: kubernetes.io/tls
data:
  tls.crt: ${base64(certificateChain)}
  tls.key: ${base64(privateKey)}
${trust === undefined ? "" : `  ca.crt: ${base64(trust)}\n`}`;
}
