import { spawnSync } from "node:child_process";

/** Why openssl cannot be used here; undefined when it can. In CI its absence is an error. */
export function opensslMissing(): string | undefined {
  const found = spawnSync("openssl", ["version"]);
  if (found.status === 0) return undefined;
  if (process.env.CI) throw new Error("openssl is not on this machine, and CI needs it");
  return "openssl is not on this machine";
}

/** Runs openssl with `input`; returns what it printed. Throws with its complaints when it fails. */
export function openssl(args: readonly string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync("openssl", args, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}
