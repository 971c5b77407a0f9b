import { chmod, lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { CaError } from "../error.ts";

/** Longest path of a socket on Linux, without the last zero (unix(7)). */
const MAX_PATH = 107;

/**
 * Has `bind` listen at a Unix address of its own in a private directory, gives the socket its mode (default 0600: this user
 * alone) and moves it to `address` (`unix:/PATH`): there is no moment at which others could open it. A socket that nobody
 * serves any more is replaced; one in use, or a file, is an error. Returns the path, which is the caller's to remove.
 * Throws OPTION_INVALID or STORE_FAILED.
 */
export async function bindPrivately(
  address: string,
  bind: (address: string) => Promise<unknown>,
  mode = 0o600,
): Promise<string> {
  const path = socketPath(address);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await mustBeFree(path);
  const room = await mkdtemp(join(dirname(path), ".s-"));
  try {
    const first = join(room, "s");
    if (Buffer.byteLength(first) > MAX_PATH)
      throw new CaError("OPTION_INVALID", `${path} is too long for the path of a socket`);
    await bind(`unix:${first}`);
    await chmod(first, mode);
    await rename(first, path);
  } catch (error) {
    throw error instanceof CaError
      ? error
      : new CaError("STORE_FAILED", `cannot listen on ${address}: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(room, { recursive: true, force: true });
  }
  return path;
}

/** The path of `unix:/PATH`. Throws OPTION_INVALID for everything else. */
export function socketPath(address: string): string {
  if (!address.startsWith("unix:/"))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(address)} is not unix:/PATH; keys go over no network`);
  return address.slice("unix:".length);
}

async function mustBeFree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new CaError("OPTION_INVALID", `${path} exists and is not a socket`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (alive) throw new CaError("OPTION_INVALID", `${path} is served by another process`);
}
