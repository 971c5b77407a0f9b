import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { hasTool } from "./tool.ts";

const run = promisify(execFile);

/** Whether a command of a Debian package is there; root installs the package when it is missing. See {@link hasTool}. */
export async function hasDebianTool(
  command: string,
  args: readonly string[],
  packageName: string,
  what: string,
): Promise<boolean> {
  const missing = await run(command, [...args]).then(
    () => false,
    () => true,
  );
  if (missing && process.getuid?.() === 0) {
    const options = { timeout: 600_000, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
    console.error(`installing ${packageName} …`);
    try {
      await run("apt-get", ["update", "-qq"], options);
      await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", packageName], options);
    } catch (error) {
      console.error(`${packageName} could not be installed: ${(error as Error).message}`);
    }
  }
  return hasTool(command, args, what);
}
