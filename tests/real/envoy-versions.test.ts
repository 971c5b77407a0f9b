import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ENVOY_WHEELS } from "../support/envoy-binary.ts";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Random meshes that must not be rejected, every setting of traffic policies and the conformance meshes, and traffic.
 * WebAssembly is left out: the build of 1.38 that can be had is without it.
 */
const TESTS = ["acceptance", "extension", "fuzz", "gateway-tls", "http3", "session", "simulator", "traffic"].map(
  (name) => `tests/envoy/${name}.test.ts`,
);

/** The newest one is what all other tests use. */
const [, ...OLDER] = Object.keys(ENVOY_WHEELS);

describe.runIf(await hasTool("python3", ["-m", "pip", "--version"], "the Envoy versions"))("supported Envoy", () => {
  it.each(OLDER)("%s takes what is made, and does with it what the newest does", async (version) => {
    // A path would go before the version everywhere.
    const { ENVOY_PATH: _, ...environment } = process.env;
    const env = { ...environment, ENVOY_VERSION: version, FUZZ_MESHES: "30", FUZZ_SECONDS: "30", NO_COLOR: "1" };
    const command = ["node_modules/vitest/vitest.mjs", "run", "--project", "envoy", ...TESTS];
    const { stdout } = await run(process.execPath, command, { cwd: ROOT, env, maxBuffer: 2 ** 26 }).catch(
      (error: { stdout?: string; stderr?: string }) => {
        throw new Error(`with Envoy ${version}:\n${error.stdout}\n${error.stderr}`);
      },
    );
    const summary = stdout.split("\n").filter((line) => /^\s*(Test Files|Tests) |meshes, .* accepted/.test(line));
    console.log([`Envoy ${version}`, ...summary].join("\n"));
    expect(summary.join("\n")).toMatch(/Test Files\s+8 passed/);
  });
});
