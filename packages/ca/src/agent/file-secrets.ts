import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import type { Secret, SecretSource } from "@fairlead/model";
import { startPoll } from "../authority/poll.ts";
import { readCertificates } from "../certificate/parse.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CERTIFICATE_FILES } from "../directory.ts";
import { CaError, toCaError } from "../error.ts";
import { createListeners } from "../listeners.ts";
import { SECRET_NAMES } from "./agent.ts";

/** A secret that is in files: a certificate chain with its key, or roots. All PEM. */
export type SecretFiles =
  | { readonly name: string; readonly certificateChain: string; readonly privateKey: string }
  | { readonly name: string; readonly roots: string };

export interface FileSecretsOptions {
  readonly secrets: readonly SecretFiles[];
  /**
   * Folders whose files are served to who asks for them by Istio's names (`file-cert:CHAIN~KEY`, `file-root:ROOTS`, whole paths),
   * links followed. Default: none, so that only `secrets` are read.
   */
  readonly directories?: readonly string[];
  /** Seconds between looks at the files. Default 5. */
  readonly pollSeconds?: number;
  /** Told when files that changed do not hold; the secret they had stays in force. */
  readonly onProblem?: (error: CaError) => void;
  readonly clock?: Clock;
}

/** Secrets kept in files by somebody else: an operator's mounts, cert-manager, another agent. */
export interface FileSecrets extends SecretSource {
  readonly names: readonly string[];
  /** Begins to serve the files of this name, where they are in one of `directories`; does nothing with others. */
  want(name: string): void;
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
 * replacement, change nothing. Only the files named here, and those wanted, are ever read. The first look must succeed: rejects with
 * SECRET_NOT_FOUND, CERTIFICATE_MALFORMED, BUNDLE_INVALID, KEY_INVALID or KEY_MISMATCH. The caller closes it.
 */
export async function fileSecrets(options: FileSecretsOptions): Promise<FileSecrets> {
  const { onProblem, directories = [], clock = systemClock } = options;
  const secrets = [...options.secrets];
  const held = new Map<string, Secret>();
  const problems = new Map<string, string>();
  const listeners = createListeners<[name: string]>();
  const look = async (files: SecretFiles): Promise<CaError | undefined> => {
    try {
      if (!options.secrets.includes(files)) await mustBeWithin(files, directories);
      const secret = await read(files);
      problems.delete(files.name);
      if (JSON.stringify(held.get(files.name)) === JSON.stringify(secret)) return undefined;
      held.set(files.name, secret);
      listeners.tell(files.name);
      return undefined;
    } catch (cause) {
      const error = toCaError(cause, "SECRET_NOT_FOUND", `${files.name}: ${(cause as Error).message}`);
      if (problems.get(files.name) !== error.message) onProblem?.(error);
      problems.set(files.name, error.message);
      return error;
    }
  };
  const refresh = async () => {
    let first: CaError | undefined;
    for (const files of [...secrets]) {
      const error = await look(files);
      first ??= error;
    }
    if (first) throw first;
  };
  await refresh();
  const poll = startPoll(clock, options.pollSeconds ?? 5, refresh);
  return {
    get names() {
      return secrets.map(({ name }) => name);
    },
    want(name) {
      const files = filesOf(name);
      if (files === undefined || secrets.length >= MAX_NAMES || secrets.some((known) => known.name === name)) return;
      if (!pathsOf(files).every((path) => directories.some((directory) => isWithin(path, directory)))) return;
      secrets.push(files);
      void look(files);
    },
    get: (name) => held.get(name),
    subscribe: listeners.subscribe,
    refresh,
    close() {
      poll.close();
      listeners.clear();
    },
  };
}

/** Most names that are followed; who asks for more gets no answer. */
const MAX_NAMES = 1000;

function filesOf(name: string): SecretFiles | undefined {
  try {
    return namedSecretFiles(name);
  } catch {
    return undefined;
  }
}

const pathsOf = (files: SecretFiles): readonly string[] =>
  "roots" in files ? [files.roots] : [files.certificateChain, files.privateKey];

/** By the words alone, which must be those of a whole path without detours. */
const isWithin = (path: string, directory: string): boolean =>
  resolve(path) === path && path.startsWith(`${resolve(directory)}${sep}`);

/** Where links lead counts too: a folder that others write to must not lead out of it. Throws SECRET_NOT_FOUND. */
async function mustBeWithin(files: SecretFiles, directories: readonly string[]): Promise<void> {
  const homes = await Promise.all(directories.map((directory) => realpath(directory).catch(() => undefined)));
  for (const path of pathsOf(files)) {
    const real = await realpath(path);
    if (!homes.some((home) => home !== undefined && isWithin(real, home)))
      throw new CaError("SECRET_NOT_FOUND", `${path} leads out of the folders whose files are served`);
  }
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
