import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const PACKAGES = ["grpcio==1.85.1", "typing-extensions==4.16.0"];

/** The folder with gRPC for Python, fetched once a machine and version of Python. Needs python3 with pip. */
export async function grpcioPath(): Promise<string> {
  const { stdout } = await run("python3", ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fairlead");
  const target = join(cache, `${PACKAGES[0]}-python-${stdout.trim()}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "fetch-"));
  try {
    const options = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    await run("python3", [...options, "--target", join(folder, "made"), ...PACKAGES], { timeout: 300_000 });
    await rename(join(folder, "made"), target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return target;
}

/** A Python program that answers each line with a line. Whoever starts it disposes of it. */
export interface PythonProgram extends AsyncDisposable {
  /** Resolves with the next line that it writes; `line` is given to it first. */
  next(line?: string): Promise<string>;
  log(): string;
}

export function startPython(
  packages: string,
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): PythonProgram {
  const env = { ...process.env, ...environment, PYTHONPATH: packages };
  const child: ChildProcess = spawn("python3", [script, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-50_000);
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const lines = child.stdout && createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    log: () => log,
    async next(line) {
      if (line !== undefined) child.stdin?.write(`${line}\n`);
      const answer = await lines?.next();
      if (!answer || answer.done) throw new Error(`the program ended:\n${log}`);
      return answer.value;
    },
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      const late = setTimeout(() => child.kill("SIGKILL"), 3000);
      await exited;
      clearTimeout(late);
    },
  };
}
