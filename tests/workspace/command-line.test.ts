import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { folderOf } from "../../packages/cli/test/captured.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

it("`fairlead` runs from the workspace root as its own process", { timeout: 60_000 }, async () => {
  await using folder = await folderOf({
    "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    "broken.yaml": "a: [b\n",
  });
  const validate = (file: string) =>
    run("npx", ["-y", "pnpm@12", "fairlead", "validate", "-f", folder.at(file), "-o", "json"], { cwd: root });
  const { stdout } = await validate("service.yaml");
  expect(JSON.parse(stdout)).toMatchObject([{ kind: "Service", name: "web", valid: true }]);
  await expect(validate("broken.yaml")).rejects.toMatchObject({ code: 1 });
});
