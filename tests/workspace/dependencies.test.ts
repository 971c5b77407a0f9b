import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The layering: what each package may import. Other dependencies are named in its package.json, and in its README with the reason. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  grpc: [],
  // Only the subpaths `kubernetes` of config, registry and ca import kubernetes.
  config: ["model", "kubernetes"],
  registry: ["model", "config", "kubernetes"],
  mesh: ["model", "config"],
  xds: ["model", "grpc", "config", "mesh"],
  // Only the agent's subpath imports xds: it serves SDS with the one discovery server there is.
  ca: ["model", "grpc", "xds", "kubernetes"],
  analysis: ["model", "config", "registry", "mesh"],
  simulator: ["model", "config", "registry", "mesh", "xds"],
  kubernetes: ["model"],
  "control-plane": ["model", "config", "registry", "mesh", "xds", "ca", "kubernetes"],
  cli: ["model", "config", "registry", "mesh", "xds", "ca", "analysis", "simulator", "kubernetes", "control-plane"],
};

/** What runs in a browser, an editor or a worker: no Node API. */
const PURE: readonly RegExp[] = [
  /^packages\/model\/src\//,
  /^packages\/config\/src\/(?!stores\/(?!store\.|memory\.|documents\.))/,
  /^packages\/mesh\/src\//,
  /^packages\/analysis\/src\//,
  /^packages\/simulator\/src\//,
  /^packages\/xds\/src\/translate\//,
];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
  readonly publishConfig: { readonly exports: Readonly<Record<string, unknown>> };
}

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as Manifest;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Module specifiers of static and dynamic imports and of re-exports. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)"([^"]+)"/gm)].map((match) => match[1] ?? "");
}

const names = readdirSync(join(root, "packages"));

it("every package has its row", () => {
  expect(names.sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

describe.each(names)("%s", (name) => {
  const manifest = manifestOf(name);
  const allowed = MAY_IMPORT[name] ?? [];
  const files = sources(join(root, "packages", name, "src"));
  const shipped = files.filter((file) => !file.endsWith(".test.ts"));

  it("declares no package of ours that it may not import", () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((dependency) =>
      dependency.startsWith("@fairlead/"),
    );
    expect(declared.filter((dependency) => !allowed.includes(dependency.slice("@fairlead/".length)))).toEqual([]);
  });

  it("imports only what it declares, by published entry points", () => {
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const wrong = shipped.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
        .filter((specifier) => {
          const parts = specifier.split("/");
          const dependency = parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
          if (!declared.includes(dependency)) return true;
          if (!dependency.startsWith("@fairlead/")) return false;
          const subpath = `.${specifier.slice(dependency.length)}`;
          return !(subpath in manifestOf(dependency.slice("@fairlead/".length)).exports);
        })
        .map((specifier) => `${relative(root, file)}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("stays within its own folder", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => relative(join(root, "packages", name), join(file, "..", specifier)).startsWith(".."))
        .map((specifier) => `${relative(root, file)}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("publishes what it exports in the workspace", () => {
    expect(Object.keys(manifest.publishConfig.exports)).toEqual(Object.keys(manifest.exports));
  });

  it("has an index without `export *`", () => {
    const wrong = shipped.filter((file) => /^export \* from/m.test(readFileSync(file, "utf8")));
    expect(wrong.map((file) => relative(root, file))).toEqual([]);
  });
});

it("what is meant for the browser uses no Node API and makes no code at run time", () => {
  const wrong = names
    .flatMap((name) => sources(join(root, "packages", name, "src")))
    .filter((file) => !file.endsWith(".test.ts") && PURE.some((pattern) => pattern.test(relative(root, file))))
    .flatMap((file) => {
      const text = readFileSync(file, "utf8");
      const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      const found = [
        ...importsOf(file).filter((specifier) => specifier.startsWith("node:")),
        ...(code.match(/\bnew Function\b|\beval\(|\bprocess\.|\bBuffer\./g) ?? []),
      ];
      return found.map((what) => `${relative(root, file)}: ${what}`);
    });
  expect(wrong).toEqual([]);
});

it("project references say the same as the dependency table", () => {
  for (const name of names) {
    const text = readFileSync(join(root, "packages", name, "tsconfig.json"), "utf8");
    const references = [...text.matchAll(/"path": "\.\.\/([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(
      references.filter((reference) => !(MAY_IMPORT[name] ?? []).includes(reference)),
      name,
    ).toEqual([]);
  }
});
