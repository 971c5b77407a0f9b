import { createPublicKey } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Certificate, readCertificate, readCertificates } from "../certificate/parse.ts";
import { CaError, toCaError } from "../error.ts";
import { parsePrivateKey } from "../keys/file.ts";
import { localSigner, type Signer } from "../keys/signer.ts";
import { decodePemFile } from "../pem.ts";
import { type Revocations, readRevocations } from "../trust/crl.ts";
import { sameBytes, verifyPath } from "../trust/path.ts";
import { mustBeAuthority } from "./issuer.ts";

/** File names of Istio's `cacerts` secret, and those of a `kubernetes.io/tls` secret, tried in this order. */
const LAYOUTS = [
  { certificate: "ca-cert.pem", key: "ca-key.pem", roots: "root-cert.pem", chain: "cert-chain.pem" },
  { certificate: "tls.crt", key: "tls.key", roots: "ca.crt", chain: undefined },
] as const;

export interface PluggedBundle {
  readonly signer: Signer;
  /** The signing certificate and those above it, the root last. */
  readonly path: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly revocations: Revocations | undefined;
  /** PEM; empty: there are none. */
  readonly revocationLists: string;
  /** What was left out, for people. */
  readonly warnings: readonly string[];
  /** Changes when any file does. */
  readonly fingerprint: string;
}

/**
 * Reads and checks a directory with a signing certificate that somebody else made: all files there, the key private and
 * the certificate's own, an authority, a chain that reaches a root at `at` (ms), a CRL for each member if there is one
 * (`ca-crl.pem`). Single broken or expired roots are left out with a warning while one is left. Throws BUNDLE_INVALID or
 * CRL_INVALID.
 */
export async function readPluggedFiles(directory: string, at: number): Promise<PluggedBundle> {
  const optional = (name: string) =>
    readFile(join(directory, name), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw toCaError(error, "BUNDLE_INVALID", `${name}: ${error.message}`);
    });
  const first = await optional(LAYOUTS[0].certificate);
  const layout =
    first === undefined && (await optional(LAYOUTS[1].certificate)) !== undefined ? LAYOUTS[1] : LAYOUTS[0];
  const needed = async (name: string): Promise<string> => {
    const text = await optional(name);
    if (text === undefined) throw new CaError("BUNDLE_INVALID", `${join(directory, name)} is missing`);
    return text;
  };
  const certificateText = await needed(layout.certificate);
  const keyText = await needed(layout.key);
  const rootText = await needed(layout.roots);
  const chainText = layout.chain === undefined ? undefined : await optional(layout.chain);
  const crlText = await optional("ca-crl.pem");
  const keyFile = join(directory, layout.key);
  const { mode } = await stat(keyFile);
  if ((mode & 0o007) !== 0 && process.platform !== "win32")
    throw new CaError(
      "BUNDLE_INVALID",
      `${keyFile} may be read or written by everyone (mode ${(mode & 0o777).toString(8)})`,
    );
  const chain = [...readCertificates(certificateText, "BUNDLE_INVALID")];
  if (chainText !== undefined && chainText.trim() !== "")
    for (const certificate of readCertificates(chainText, "BUNDLE_INVALID"))
      if (!chain.some((known) => sameBytes(known.der, certificate.der))) chain.push(certificate);
  const warnings: string[] = [];
  const roots = readRoots(rootText, at, warnings);
  const [signing] = chain;
  if (signing === undefined) throw new CaError("BUNDLE_INVALID", "there is no signing certificate");
  mustBeAuthority(signing);
  let signer: Signer;
  try {
    const key = parsePrivateKey(keyText, keyFile);
    if (!createPublicKey(key).export({ type: "spki", format: "der" }).equals(signing.spki))
      throw new CaError("BUNDLE_INVALID", `${layout.key} is not the key of ${layout.certificate}`);
    signer = localSigner("ca-key", key);
  } catch (cause) {
    if (cause instanceof CaError && cause.code === "BUNDLE_INVALID") throw cause;
    throw new CaError("BUNDLE_INVALID", `${layout.key} cannot be used: ${(cause as Error).message}`, { cause });
  }
  const path = verifyPath(chain, roots, { at, code: "BUNDLE_INVALID" });
  const revocations = crlText === undefined ? undefined : readRevocations(crlText, path, at);
  const fingerprint = JSON.stringify([
    certificateText,
    chainText,
    rootText,
    crlText,
    Buffer.from(signer.publicKey).toString("hex"),
  ]);
  return { signer, path, roots, revocations, revocationLists: crlText ?? "", warnings, fingerprint };
}

function readRoots(text: string, at: number, warnings: string[]): Certificate[] {
  const roots: Certificate[] = [];
  for (const [index, { label, bytes }] of decodePemFile(text, "BUNDLE_INVALID").entries()) {
    if (label !== "CERTIFICATE") continue;
    try {
      const root = readCertificate(bytes, "BUNDLE_INVALID");
      mustBeAuthority(root);
      if (at >= root.notAfter) warnings.push(`root ${index + 1} (${root.subjectText}) has expired and is left out`);
      else if (!roots.some((known) => sameBytes(known.der, root.der))) roots.push(root);
    } catch (error) {
      warnings.push(`root ${index + 1} is left out: ${(error as Error).message}`);
    }
  }
  if (roots.length === 0)
    throw new CaError("BUNDLE_INVALID", `no usable root certificate (${warnings.join("; ") || "the file holds none"})`);
  return roots;
}
