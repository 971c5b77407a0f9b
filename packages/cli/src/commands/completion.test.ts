import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { fairlead } from "../../test/captured.ts";

/** What bash offers after these words. */
function offered(script: string, ...words: string[]): readonly string[] {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const asking = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _fairlead; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", asking], { encoding: "utf8" }).split("\n").filter(Boolean);
}

it("completes commands, their second words and their options in a real bash", async () => {
  const { out } = await fairlead("completion", "bash");
  expect(offered(out, "fairlead", "ana")).toEqual(["analyze"]);
  expect(offered(out, "fairlead", "ca", "i")).toEqual(["init", "issue", "inspect"]);
  expect(offered(out, "fairlead", "ca", "issue", "--i")).toEqual(["--id"]);
  expect(offered(out, "fairlead", "analyze", "-f", "x", "--su")).toEqual(["--suppress"]);
  expect(offered(out, "fairlead", "describe", "workload", "--mesh-c")).toEqual(["--mesh-config"]);
  expect((await fairlead("completion", "zsh")).out).toContain("bashcompinit");
  expect((await fairlead("completion", "fish")).code).toBe(2);
});
