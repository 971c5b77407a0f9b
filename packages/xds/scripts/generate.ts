/**
 * Makes `packages/xds/gen` from the protobuf files that `@grpc/grpc-js-xds` ships and the overlay beside this script:
 * `descriptor.js` (field tables for the codec) and `envoy.d.ts` (interfaces in the protobuf-JSON shape). Run by the install.
 */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { declare } from "./declarations.ts";
import { describe } from "./descriptor.ts";
import { addOverlay } from "./overlay.ts";
import { addPackages } from "./packages.ts";

/** Every message of these files is a root: an `Any` may hold whatever Envoy can be configured with. */
const ROOT_FILES = [
  "envoy/config/**/v3/*.proto",
  "envoy/extensions/**/v3/*.proto",
  "envoy/data/{accesslog,cluster,core}/v3/*.proto",
  "envoy/service/{discovery,secret,runtime,extension,status,load_stats,auth,ratelimit,ext_proc}/v3/*.proto",
  "envoy/admin/v3/*.proto",
  "udpa/type/v1/*.proto",
  "xds/core/v3/*.proto",
  "xds/type/**/*.proto",
  "google/rpc/{status,error_details}.proto",
];

/** Annotations only, or deprecated tracers whose imports nobody ships. */
const SKIPPED_IMPORTS =
  /^(validate\/|udpa\/annotations\/|xds\/annotations\/|envoy\/annotations\/|opencensus\/|envoy\/config\/trace\/v3\/opencensus\.proto|google\/protobuf\/descriptor\.proto|google\/api\/(?!expr))/;

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "gen");
const require = createRequire(import.meta.url);
const shipped = join(dirname(require.resolve("@grpc/grpc-js-xds/package.json")), "deps");
const overlay = join(here, "overlay");
const folders = [
  overlay,
  ...["envoy-api", "xds", "googleapis"].map((folder) => join(shipped, folder)),
  dirname(require.resolve("protobufjs/package.json")),
];

function locate(target: string): string | null {
  if (SKIPPED_IMPORTS.test(target)) return null;
  for (const folder of folders) {
    const path = join(folder, target);
    if (existsSync(path)) return path;
  }
  throw new Error(`${target} is imported but neither shipped nor in the overlay`);
}

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (existsSync(target) ? target : locate(target));
const files = new Set<string>();
for (const folder of folders.slice(0, -1))
  for (const pattern of folder === overlay ? ["**/*.proto"] : ROOT_FILES)
    for (const path of globSync(pattern, { cwd: folder })) if (locate(path)) files.add(path);
root.loadSync([...files].sort(), { keepCase: true });
root.resolveAll();

const descriptor = describe(root);
addOverlay(descriptor, readFileSync(join(overlay, "newer.txt"), "utf8"));
addPackages(descriptor, readFileSync(join(overlay, "istio-api.txt"), "utf8"));
mkdirSync(out, { recursive: true });
const write = (name: string, text: string) => {
  const path = join(out, name);
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
};
// Parsing a JSON string is several times quicker than evaluating the same object literal.
write("descriptor.js", `export const descriptor = JSON.parse(${JSON.stringify(JSON.stringify(descriptor))});\n`);
const shape = readFileSync(join(here, "descriptor-shape.d.ts"), "utf8");
write("descriptor.d.ts", `${shape}\nexport declare const descriptor: Descriptor;\n`);
write("envoy.d.ts", declare(descriptor));
const counts = `${Object.keys(descriptor.messages).length} messages, ${Object.keys(descriptor.enums).length} enums`;
console.error(`${relative(process.cwd(), out) || out}: ${counts} from ${files.size} files`);
