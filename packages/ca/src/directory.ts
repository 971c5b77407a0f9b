import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { rootJournal } from "./authority/journal.ts";
import { type SelfSignedAuthority, type SelfSignedOptions, selfSignedAuthority } from "./authority/self-signed.ts";
import { createCsr } from "./csr/create.ts";
import { CaError, toCaError } from "./error.ts";
import { newPrivateKey } from "./keys/algorithm.ts";
import { nodeFileSystem, writeDurably } from "./keys/durable-file.ts";
import { fileKeyManager } from "./keys/file.ts";
import { bundlePem } from "./trust/bundle.ts";

/** Names of the files of a workload certificate, those of Istio's agents. */
export const CERTIFICATE_FILES = { chain: "cert-chain.pem", key: "key.pem", roots: "root-cert.pem" } as const;

/**
 * Makes a self-signed authority in a directory, or opens the one that is there, and keeps its roots in `root-cert.pem` as they
 * change. The caller closes it.
 */
export async function initAuthority(
  directory: string,
  options: Omit<SelfSignedOptions, "keys">,
): Promise<SelfSignedAuthority> {
  const authority = await selfSignedAuthority({ ...options, keys: fileKeyManager(directory) });
  const write = () => writeFiles(directory, [[CERTIFICATE_FILES.roots, bundlePem(authority.trustBundle), 0o644]]);
  await write();
  // The journal says what counts; a file that cannot be written now is with the next change, or start.
  let writing = Promise.resolve();
  authority.subscribe(() => {
    writing = writing.then(write).catch(() => undefined);
  });
  return authority;
}

/** Opens the authority that is in a directory. The caller closes it. Throws CA_NOT_READY when there is none. */
export async function openAuthority(
  directory: string,
  options: Omit<SelfSignedOptions, "keys" | "trustDomain"> = {},
): Promise<SelfSignedAuthority> {
  const keys = fileKeyManager(directory);
  const found = await rootJournal.read(keys.records);
  if (found === undefined) throw new CaError("CA_NOT_READY", `there is no authority in ${directory}; make one first`);
  return selfSignedAuthority({ ...options, trustDomain: found.journal.trustDomain, keys });
}

/**
 * Issues a certificate from the authority in `dir` for `id` and writes `cert-chain.pem`, `key.pem` (mode 0600) and
 * `root-cert.pem` to `out`. The key is made here. Throws {@link CaError}, also when `dir` holds no authority.
 */
export async function issueToDirectory(options: {
  readonly dir: string;
  readonly id: string | SpiffeId;
  readonly out: string;
  readonly ttlSeconds?: number;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}): Promise<{ readonly notAfter: Date; readonly serial: string }> {
  const { dir, out } = options;
  const identity = typeof options.id === "string" ? parse(options.id) : options.id;
  await using authority = await openAuthority(dir, { pollSeconds: 0 });
  const key = newPrivateKey("ec-p256");
  const issued = await authority.issue({
    csr: createCsr({ key, identity }),
    identity,
    ...(options.ttlSeconds === undefined ? {} : { ttlSeconds: options.ttlSeconds }),
    ...(options.dnsNames === undefined ? {} : { dnsNames: options.dnsNames }),
    ...(options.ipAddresses === undefined ? {} : { ipAddresses: options.ipAddresses }),
  });
  await mkdir(out, { recursive: true });
  await writeFiles(out, [
    [CERTIFICATE_FILES.key, String(key.export({ type: "pkcs8", format: "pem" })), 0o600],
    [CERTIFICATE_FILES.chain, issued.certificateChain.join(""), 0o644],
    [CERTIFICATE_FILES.roots, issued.roots.join(""), 0o644],
  ]);
  return { notAfter: issued.notAfter, serial: issued.serial };
}

function parse(id: string): SpiffeId {
  try {
    return parseSpiffeId(id);
  } catch (cause) {
    throw new CaError("SPIFFE_ID_INVALID", (cause as Error).message, { cause });
  }
}

/** Writes files one after the other, each whole or not at all. */
export async function writeFiles(
  directory: string,
  files: readonly (readonly [name: string, text: string, mode: number])[],
): Promise<void> {
  for (const [name, text, mode] of files)
    try {
      await writeDurably(nodeFileSystem, join(directory, name), text, { mode });
    } catch (error) {
      throw toCaError(error, "STORE_FAILED", `writing ${name} in ${directory}: ${(error as Error).message}`);
    }
}
