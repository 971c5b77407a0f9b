import { execFile, spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const here = (file: string) => join(import.meta.dirname, file);

/** Certificates a CPU second, or operations, by who makes them; in the order of measuring. */
type Rates = Map<string, number[]>;

const ROUNDS = 5;
/** Seconds of calls before what is counted: a server of JavaScript is compiled while it serves. */
const WARM = 4;

/** The Go program that does Citadel's work. */
async function citadel(): Promise<string> {
  const binary = join(root, ".cache/citadel");
  await mkdir(join(root, ".cache"), { recursive: true });
  await run("go", ["build", "-o", binary, "."], { cwd: here("citadel"), timeout: 600_000 });
  return binary;
}

async function perCpuSecond(command: string, words: readonly string[]): Promise<number> {
  const { stdout } = await run(command, [...words], { timeout: 120_000 });
  return (JSON.parse(stdout) as { perCpuSecond: number }).perCpuSecond;
}

/** `openssl speed` counts the time of its own process. */
async function opensslSpeed(): Promise<{ readonly sign: number; readonly verify: number }> {
  const { stdout } = await run("openssl", ["speed", "-seconds", "2", "ecdsap256"], { timeout: 60_000 });
  const [sign = 0, verify = 0] =
    /ecdsa \(nistp256\).*?([\d.]+)\s+([\d.]+)\s*$/m.exec(stdout)?.slice(1).map(Number) ?? [];
  return { sign, verify };
}

/** Seconds of CPU that a process has used. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Certificates a second of the server's CPU, asked for over gRPC. */
async function overGrpc(client: string, command: string, words: readonly string[], seconds: number): Promise<number> {
  const server = spawn(command, [...words], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const address = await new Promise<string>((resolve, reject) => {
      server.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString("utf8").trim()));
      server.once("exit", (code) => reject(new Error(`${command} ended with ${code}`)));
    });
    const pid = server.pid ?? 0;
    await run(client, ["load", address, String(WARM)]);
    const before = await cpuOf(pid);
    const { stdout } = await run(client, ["load", address, String(seconds)], { timeout: 120_000 });
    const { issued, failed } = JSON.parse(stdout) as { issued: number; failed: number };
    if (failed > 0) throw new Error(`${failed} callers of ${command} failed`);
    return issued / ((await cpuOf(pid)) - before);
  } finally {
    server.kill();
  }
}

/** Measures all in turn, several times, so that what else the machine does falls on all alike. */
async function measureCertificates(seconds = 3): Promise<Rates> {
  const go = await citadel();
  const rates: Rates = new Map();
  const add = (name: string, value: number) => rates.set(name, [...(rates.get(name) ?? []), value]);
  for (let round = 1; round <= ROUNDS; round++) {
    console.error(`round ${round} of ${ROUNDS} …`);
    const { sign, verify } = await opensslSpeed();
    add("openssl sign", sign);
    add("openssl verify", verify);
    const core = (...words: string[]) => perCpuSecond(process.execPath, [here("core.ts"), String(seconds), ...words]);
    add("core, Go", await perCpuSecond(go, ["core", String(seconds)]));
    add("core", await core());
    add("core, verifying", await core("verify"));
    const served = (...words: string[]) => overGrpc(go, process.execPath, [here("server.ts"), ...words], seconds);
    add("gRPC, Go", await overGrpc(go, go, ["serve"], seconds));
    add("gRPC", await served());
    add("gRPC, verifying", await served("verify"));
  }
  return rates;
}

export async function printCertificates(): Promise<void> {
  const rates = await measureCertificates();
  const median = (name: string) => [...(rates.get(name) ?? [])].sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN;
  const floor = 1 / (1 / median("openssl sign") + 1 / median("openssl verify"));
  for (const [name, list] of rates) {
    const value = median(name);
    const peer = name.startsWith("core") ? "core, Go" : name.startsWith("gRPC") ? "gRPC, Go" : undefined;
    const ratio = peer ? `${(value / median(peer)).toFixed(2)}x of Go` : "";
    const share = peer ? `${((100 * value) / floor).toFixed(0)} % of OpenSSL's floor` : "";
    const range = `${Math.min(...list).toFixed(0)}–${Math.max(...list).toFixed(0)}`;
    console.log(`${name.padEnd(18)}${value.toFixed(0).padStart(7)}  (${range})`.padEnd(46), ratio.padEnd(14), share);
  }
  console.log(`one verification and one signature by OpenSSL: ${floor.toFixed(0)} a CPU second`);
}
