import type { ObjectRef } from "@fairlead/model";
import type { Reading } from "../manifests/reading.ts";
import { checkKeyPair, checkRevocations, checkRoots, isOcspAnswer } from "./check.ts";

/** A certificate with its key. Texts are PEM. */
export interface CredentialKeyPair {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** DER, base64. */
  readonly ocspStaple?: string;
}

/** Whom to trust. Texts are PEM. */
export interface CredentialTrust {
  readonly roots: string;
  readonly revocations?: string;
}

/** What a Secret or a ConfigMap holds for TLS. */
export interface Credential {
  /** The Secret or ConfigMap. */
  readonly source: ObjectRef;
  /** Never of a ConfigMap. */
  readonly keyPair?: CredentialKeyPair;
  readonly trust?: CredentialTrust;
}

/** Names of the fields, in the order in which they are looked for: those of generic Secrets, then those of `kubernetes.io/tls`. */
const PAIRS = [
  { certificate: "cert", key: "key", staple: undefined },
  { certificate: "tls.crt", key: "tls.key", staple: "tls.ocsp-staple" },
] as const;
const ROOTS = [
  { roots: "cacert", revocations: "crl" },
  { roots: "ca.crt", revocations: "ca.crl" },
] as const;

type Data = ReadonlyMap<string, Buffer>;

/**
 * The credential in an object; undefined when it holds none. What is wrong is reported, never with any content: a
 * credential with something wrong in it is not to be used (`broken`).
 */
export function readCredential(
  reading: Reading,
  now: number,
): { readonly credential: Credential | undefined; readonly broken: boolean } {
  const isSecret = reading.ref.kind === "Secret";
  const data = isSecret ? secretData(reading) : configMapData(reading);
  if (data === undefined) return { credential: undefined, broken: true };
  const keyPair = isSecret ? keyPairOf(reading, data, now) : undefined;
  const trust = trustOf(reading, data, now);
  if (keyPair === "broken" || trust === "broken") return { credential: undefined, broken: true };
  const credential =
    keyPair || trust ? { source: reading.ref, ...(keyPair && { keyPair }), ...(trust && { trust }) } : undefined;
  return { credential, broken: false };
}

function secretData({ root, report }: Reading): Data | undefined {
  const data = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(root.at("data").labels())) {
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
      if (!isRead(key)) continue;
      report({ code: "invalid-base64", severity: "error", path: "data", message: `${key} is not base64` });
      return undefined;
    }
    data.set(key, Buffer.from(text, "base64"));
  }
  for (const [key, text] of Object.entries(root.at("stringData").labels())) data.set(key, Buffer.from(text));
  return data;
}

function configMapData({ root }: Reading): Data {
  return new Map(Object.entries(root.at("data").labels()).map(([key, text]) => [key, Buffer.from(text)]));
}

const READ: ReadonlySet<string> = new Set([
  ...PAIRS.flatMap(({ certificate, key, staple }) => [certificate, key, ...(staple ? [staple] : [])]),
  ...ROOTS.flatMap(({ roots, revocations }) => [roots, revocations]),
]);
const isRead = (key: string) => READ.has(key);

const filled = (data: Data, key: string | undefined) => {
  const value = key === undefined ? undefined : data.get(key);
  return value && value.length > 0 ? value : undefined;
};

function keyPairOf(reading: Reading, data: Data, now: number): CredentialKeyPair | "broken" | undefined {
  const declared = reading.root.at("type").text() === "kubernetes.io/tls";
  const names = PAIRS.find(({ certificate, key }) => filled(data, certificate) && filled(data, key));
  if (!names) {
    if (!declared) return undefined;
    reading.report({
      code: "missing-field",
      severity: "error",
      path: "data",
      message: "a Secret of type kubernetes.io/tls needs tls.crt and tls.key",
    });
    return "broken";
  }
  const certificateChain = filled(data, names.certificate)?.toString("utf8") ?? "";
  const privateKey = filled(data, names.key)?.toString("utf8") ?? "";
  const { fault, warning } = checkKeyPair(certificateChain, privateKey, names, now);
  if (warning) reading.report({ code: "certificate-validity", severity: "warning", path: "data", message: warning });
  if (fault) {
    // Other Secrets may use the same names for something else.
    const severity = declared || names.certificate === "tls.crt" ? "error" : "warning";
    reading.report({ code: "invalid-credential", severity, path: "data", message: `${fault}: it is not served` });
    return "broken";
  }
  const staple = filled(data, names.staple);
  if (staple && !isOcspAnswer(staple)) {
    const message = `${names.staple} is no OCSP response in DER that answers: the certificate is served without`;
    reading.report({ code: "invalid-credential", severity: "warning", path: "data", message });
    return { certificateChain, privateKey };
  }
  return { certificateChain, privateKey, ...(staple ? { ocspStaple: staple.toString("base64") } : {}) };
}

function trustOf(reading: Reading, data: Data, now: number): CredentialTrust | "broken" | undefined {
  const names = ROOTS.find(({ roots }) => filled(data, roots));
  if (!names) return undefined;
  const roots = filled(data, names.roots)?.toString("utf8") ?? "";
  const revocations = filled(data, names.revocations)?.toString("utf8");
  const { fault, warning } = checkRoots(roots, names.roots, now);
  const problem = fault ?? (revocations === undefined ? undefined : checkRevocations(revocations, names.revocations));
  if (warning) reading.report({ code: "certificate-validity", severity: "warning", path: "data", message: warning });
  if (problem) {
    reading.report({
      code: "invalid-credential",
      severity: "error",
      path: "data",
      message: `${problem}: it is not served`,
    });
    return "broken";
  }
  return { roots, ...(revocations === undefined ? {} : { revocations }) };
}
