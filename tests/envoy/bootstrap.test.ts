import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { fairlead, folderOf } from "../../packages/cli/test/captured.ts";
import { envoyBinary } from "../support/envoy-binary.ts";

const run = promisify(execFile);

const NODE = {
  id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local",
  metadata: { NAMESPACE: "default", LABELS: { app: "page" }, INSTANCE_IPS: "10.0.0.9" },
  locality: { region: "r", zone: "z", subZone: "s" },
};

it.each<[string, readonly string[]]>([
  ["by default", []],
  ["with an address, delta", ["--ads", "127.0.0.1:15010", "--insecure", "--mode", "delta"]],
  ["with an IPv6 address, state of the world", ["--ads", "[::1]:15010", "--mode", "sotw", "--admin", "127.0.0.1:0"]],
  ["over Unix sockets", ["--ads", "unix:/run/ads.sock", "--sds", "/run/agent.sock"]],
])("Envoy accepts what `fairlead bootstrap` prints, %s", async (_, words) => {
  await using folder = await folderOf({ "node.json": JSON.stringify(NODE) });
  const { code, out } = await fairlead("bootstrap", "--node", folder.at("node.json"), ...words);
  expect(code).toBe(0);
  await writeFile(folder.at("bootstrap.yaml"), out);
  const binary = await envoyBinary();
  const { stdout } = await run(binary, [
    "--mode",
    "validate",
    "-c",
    folder.at("bootstrap.yaml"),
    "--log-level",
    "error",
  ]);
  expect(stdout).toContain(`configuration '${folder.at("bootstrap.yaml")}' OK`);
});
