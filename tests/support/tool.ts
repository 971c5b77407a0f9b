import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Whether a program of the machine is there. When not, says on stderr what is not tested; where everything is to be tested
 * (`CI`) that is an error.
 */
export async function hasTool(command: string, args: readonly string[], what: string): Promise<boolean> {
  try {
    await run(command, [...args], { timeout: 30_000 });
    return true;
  } catch (error) {
    const message = `${what} needs ${command}, which cannot be run: ${(error as Error).message}`;
    if (process.env.CI) throw new Error(message, { cause: error });
    console.error(`skipped: ${message}`);
    return false;
  }
}
