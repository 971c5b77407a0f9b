import { createHash, randomBytes, type webcrypto } from "node:crypto";
import { importJWK, type JWK, SignJWT } from "jose";
import type { UpstreamAuthority } from "../authority/upstream.ts";
import { readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { goodAnswer, httpsJson, type JsonRequest } from "../https-json.ts";

export interface StepCaOptions {
  /** `https://HOST:PORT` of a step-ca. */
  readonly url: string;
  /** Roots that its server certificate is checked against, PEM: pinned. */
  readonly roots: string;
  /**
   * A JWK provisioner of its configuration whose template makes signing certificates (`basicConstraints.isCA`), with
   * the private key that its tokens are signed by.
   */
  readonly provisioner: { readonly name: string; readonly key: JWK };
  /** Default 10000. */
  readonly timeoutMs?: number;
}

/**
 * Smallstep's step-ca as upstream, by its HTTP API: `POST /1.0/sign` with a one-time token of a JWK provisioner, `GET
 * /roots` for its roots. Throws OPTION_INVALID for what is not https.
 */
export function stepCa(options: StepCaOptions): UpstreamAuthority {
  const { provisioner } = options;
  const ask = httpsJson(options);
  const base = new URL(options.url);
  const call = async (method: string, path: string, request: JsonRequest) =>
    goodAnswer(`${base.host}${path}`, await ask(method, path, request));
  const ca = readCertificates(options.roots, "BUNDLE_INVALID");
  const [root] = ca;
  const { kid, alg = "ES256" } = provisioner.key;
  if (kid === undefined) throw new CaError("OPTION_INVALID", "the provisioner's key has no kid");
  const token = async (subject: string): Promise<string> => {
    const key = (await importJWK(provisioner.key, alg)) as webcrypto.CryptoKey;
    return new SignJWT({ sans: [subject], sha: root && createHash("sha256").update(root.der).digest("hex") })
      .setProtectedHeader({ alg, kid, typ: "JWT" })
      .setIssuer(provisioner.name)
      .setSubject(subject)
      .setAudience(new URL("/1.0/sign", base).href)
      .setJti(randomBytes(16).toString("hex"))
      .setIssuedAt()
      .setNotBefore("-30s")
      .setExpirationTime("4m")
      .sign(key);
  };
  const roots = async (signal: AbortSignal): Promise<string[]> => texts((await call("GET", "/roots", { signal })).crts);
  return {
    name: `step-ca at ${base.host}`,
    async mint({ csr, trustDomain, ttlSeconds, signal }) {
      const ott = await token(`spiffe://${trustDomain}`);
      const answer = await call("POST", "/1.0/sign", { signal, body: { csr, ott, notAfter: `${ttlSeconds}s` } });
      return { certificateChain: texts(answer.certChain), roots: await roots(signal) };
    },
    roots,
    close: async () => undefined,
  };
}

function texts(value: unknown): string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")) return value;
  throw new CaError("REQUEST_FAILED", "step-ca answered without certificates");
}
