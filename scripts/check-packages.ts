import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

/**
 * Packs every package as it would be published and checks what is in it: publint, and "are the types wrong" for ESM.
 * The packages are built first (`pnpm packages` does).
 */
const root = join(import.meta.dirname, "..");
mkdirSync(join(root, ".cache"), { recursive: true });
const packs = mkdtempSync(join(root, ".cache/packs-"));
let problems = 0;

for (const name of readdirSync(join(root, "packages"))) {
  const folder = join(root, "packages", name);
  const output = execFileSync("pnpm", ["pack", "--json", "--pack-destination", packs], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { filename } = JSON.parse(output.slice(output.indexOf("{"))) as { filename: string };
  const tarball = readFileSync(filename.startsWith("/") ? filename : join(packs, filename));
  const exact = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);

  const { messages, pkg } = await publint({ pack: { tarball: exact }, strict: true });
  for (const message of messages) console.error(`${name}: publint: ${formatMessage(message, pkg ?? {})}`);

  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(exact)));
  // ESM only, by design: what concerns `require` and the resolution of old tools is left out.
  const wrong =
    analysis.types === false
      ? [{ kind: "NoTypes" }]
      : analysis.problems.filter(
          (problem) =>
            !("resolutionKind" in problem) ||
            problem.resolutionKind === "node16-esm" ||
            problem.resolutionKind === "bundler",
        );
  for (const problem of wrong) console.error(`${name}: types: ${JSON.stringify(problem)}`);

  problems += messages.length + wrong.length;
  console.log(`${name}: ${(tarball.length / 1024).toFixed(0)} kB packed, ${messages.length + wrong.length} problems`);
}
process.exitCode = problems === 0 ? 0 : 1;
