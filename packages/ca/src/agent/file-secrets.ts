import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Secret, SecretSource } from "@fairlead/model";
import { startPoll } from "../authority/poll.ts";
import { readCertificates } from "../certificate/parse.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CERTIFICATE_FILES } from "../directory.ts";
import { CaError, toCaError } from "../error.ts";
import { SECRET_NAMES } from "./agent.ts";

/** A secret that is in files: a certificate chain with its key, or roots. All PEM. */
export type SecretFiles =
  | { readonly name: string; readonly certificateChain: string; readonly privateKey: string }
  | { readonly name: string; readonly roots: string };

export interface FileSecretsOptions {
  readonly secrets: readonly SecretFiles[];
  /** Seconds between looks at the files. Default 5. */
  readonly pollSeconds?: number;
  /** Told when files that changed do not hold; the secret they had stays in force. */
  readonly onProblem?: (error: CaError) => void;
  readonly clock?: Clock;
}

/** Secrets kept in files by somebody else: an operator's mounts, cert-manager, another agent. */
export interface FileSecrets extends SecretSource {
  readonly names: readonly string[];
  /** Looks now. Rejects with the first of what does not hold, after all have been looked at. */
  refresh(): Promise<void>;
  close(): void;
}

/** The files of a folder that holds a workload's certificate (`cert-chain.pem`, `key.pem`, `root-cert.pem`), by Istio's names. */
export function mountedCertificate(directory: string): SecretFiles[] {
  return [
    {
      name: SECRET_NAMES.certificate,
      certificateChain: join(directory, CERTIFICATE_FILES.chain),
      privateKey: join(directory, CERTIFICATE_FILES.key),
    },
    { name: SECRET_NAMES.roots, roots: join(directory, CERTIFICATE_FILES.roots) },
  ];
}

/** The files of one of Istio's names for them: `file-cert:CHAIN~KEY` or `file-root:ROOTS`. Throws OPTION_INVALID. */
export function namedSecretFiles(name: string): SecretFiles {
  const [, roots] = /^file-root:([^~]+)$/.exec(name) ?? [];
  if (roots !== undefined) return { name, roots };
  const [, certificateChain, privateKey] = /^file-cert:([^~]+)~([^~]+)$/.exec(name) ?? [];
  if (certificateChain !== undefined && privateKey !== undefined) return { name, certificateChain, privateKey };
  throw new CaError("OPTION_INVALID", `${JSON.stringify(name)} is neither file-cert:CHAIN~KEY nor file-root:ROOTS`);
}

/**
 * Reads secrets from files and follows them by looking again, which sees replaced files, folders and symbolic links
 * alike (a kubelet swaps a link). Files that do not hold, such as a key of another certificate half way through a
 * replacement, change nothing. Only the files named here are ever read. The first look must succeed: rejects with
 * SECRET_NOT_FOUND, CERTIFICATE_MALFORMED, BUNDLE_INVALID, KEY_INVALID or KEY_MISMATCH. The caller closes it.
 */
export async function fileSecrets(options: FileSecretsOptions): Promise<FileSecrets> {
  const { secrets, onProblem, clock = systemClock } = options;
  const held = new Map<string, Secret>();
  const problems = new Map<string, string>();
  const listeners = new Set<(name: string) => void>();
  const refresh = async () => {
    let first: CaError | undefined;
    for (const files of secrets) {
      try {
        const secret = await read(files);
        problems.delete(files.name);
        if (JSON.stringify(held.get(files.name)) === JSON.stringify(secret)) continue;
        held.set(files.name, secret);
        for (const listener of [...listeners]) listener(files.name);
      } catch (cause) {
        const error = toCaError(cause, "SECRET_NOT_FOUND", `${files.name}: ${(cause as Error).message}`);
        if (problems.get(files.name) !== error.message) onProblem?.(error);
        problems.set(files.name, error.message);
        first ??= error;
      }
    }
    if (first) throw first;
  };
  await refresh();
  const poll = startPoll(clock, options.pollSeconds ?? 5, refresh);
  return {
    names: secrets.map(({ name }) => name),
    get: (name) => held.get(name),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    refresh,
    close() {
      poll.close();
      listeners.clear();
    },
  };
}

async function read(files: SecretFiles): Promise<Secret> {
  if ("roots" in files) {
    const roots = await readFile(files.roots, "utf8");
    readCertificates(roots, "BUNDLE_INVALID");
    return { kind: "trust-bundle", roots };
  }
  const certificateChain = await readFile(files.certificateChain, "utf8");
  const privateKey = await readFile(files.privateKey, "utf8");
  const [leaf] = readCertificates(certificateChain);
  let spki: Buffer;
  try {
    spki = createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "der" });
  } catch {
    throw new CaError("KEY_INVALID", `${files.privateKey} holds no private key in PEM`); // the cause may quote it
  }
  if (leaf === undefined || !spki.equals(leaf.spki))
    throw new CaError("KEY_MISMATCH", `${files.privateKey} is not the key of ${files.certificateChain}`);
  return { kind: "key-pair", certificateChain, privateKey, expiresAt: new Date(leaf.notAfter) };
}
