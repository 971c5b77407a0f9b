import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** What OpenSSL says of the chain of a server, strictly: it throws where it does not hold. The files are written into the folder. */
export async function verifyChain(chain: readonly string[], root: string, folder: string): Promise<string> {
  const [leaf = "", ...between] = chain;
  for (const [name, text] of Object.entries({ root, between: between.join(""), leaf }))
    await writeFile(join(folder, name), text);
  const at = (name: string) => join(folder, name);
  const words = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", at("root")];
  return (await promisify(execFile)("openssl", [...words, "-untrusted", at("between"), at("leaf")])).stdout;
}
