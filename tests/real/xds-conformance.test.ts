import { execFile, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { checkDiscoveryServer } from "@fairlead/xds/conformance";
import { expect, it } from "vitest";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const here = await hasTool("go", ["version"], "the xDS conformance checks of go-control-plane");
const program = join(import.meta.dirname, "../../.cache/go-control-plane");

/** What go-control-plane 0.14.0 does otherwise, with its snapshot cache for the aggregated service. */
const OTHERWISE = [
  // As long as not all names of the snapshot are asked for there is no answer (its check for a superset): `*` is no name of it.
  "sotw explicit-wildcard",
  // A request with another version than the snapshot's is answered with the snapshot, whatever it says of an error.
  "sotw rejection",
  "sotw by-name",
  "delta asked-again",
  "delta unknown-name",
];

it.skipIf(!here)(
  "go-control-plane in the checks of the protocol, and where it does otherwise",
  { timeout: 600_000 },
  async () => {
    await mkdir(join(program, ".."), { recursive: true });
    await run("go", ["build", "-o", program, "."], {
      cwd: join(import.meta.dirname, "go-control-plane"),
      timeout: 550_000,
    });
    const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const address = await new Promise<string>((resolve, reject) => {
        createInterface(child.stdout).on("line", (line) => line.startsWith("at ") && resolve(line.slice(3)));
        child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
      });
      const verdicts = await checkDiscoveryServer({ address, node: { id: "conformance" }, patience: 1_000 });
      for (const { check, mode, outcome, detail } of verdicts)
        console.log(`go-control-plane ${mode} ${check}: ${outcome}${detail ? `, ${detail}` : ""}`);
      expect(verdicts.filter(({ outcome }) => outcome === "not-applicable")).toEqual([]);
      expect(
        verdicts.flatMap(({ mode, check, outcome }) => (outcome === "violated" ? [`${mode} ${check}`] : [])),
      ).toEqual(OTHERWISE);
    } finally {
      child.stdin.end();
    }
  },
);
