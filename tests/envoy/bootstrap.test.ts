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

const SETTINGS = `
defaultConfig:
  runtimeValues: { re2.max_program_size.warn_level: "100" }
  proxyStatsMatcher: { inclusionPrefixes: [http], inclusionSuffixes: [_total], inclusionRegexps: ["cluster.*rq"] }
  statsdUdpAddress: 127.0.0.1:8125
`;
const PATCH = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: boot, namespace: default }
spec:
  configPatches:
  - applyTo: BOOTSTRAP
    patch: { operation: MERGE, value: { stats_flush_interval: 7s, admin: { profile_path: /tmp/profile } } }
`;

it.each<[string, readonly string[]]>([
  ["by default", []],
  ["with an address, delta", ["--ads", "127.0.0.1:15010", "--insecure", "--mode", "delta"]],
  ["with an IPv6 address, state of the world", ["--ads", "[::1]:15010", "--mode", "sotw", "--admin", "127.0.0.1:0"]],
  ["over Unix sockets", ["--ads", "unix:/run/ads.sock", "--sds", "/run/agent.sock"]],
  ["with the mesh's settings", ["--mesh-config", "settings.yaml", "-f", "patch.yaml"]],
])("Envoy accepts what `fairlead bootstrap` prints, %s", async (_, words) => {
  const files = { "node.json": JSON.stringify(NODE), "settings.yaml": SETTINGS, "patch.yaml": PATCH };
  await using folder = await folderOf(files);
  const placed = words.map((word) => (word in files ? folder.at(word) : word));
  const { code, out } = await fairlead("bootstrap", "--node", folder.at("node.json"), ...placed);
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
