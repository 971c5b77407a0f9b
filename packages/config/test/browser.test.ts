import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const INDEX = fileURLToPath(new URL("../src/index.ts", import.meta.url));

const PROGRAM = `
  const { parseDocuments, parseMeshConfig, printYaml } = await import(process.argv[1]);
  const text = "apiVersion: networking.istio.io/v1\\nkind: DestinationRule\\nmetadata: {name: a}\\nspec: {host: a.com}\\n";
  const { documents } = parseDocuments(text, { file: "a.yaml" });
  const { meshConfig } = parseMeshConfig("", { file: "m.yaml" });
  process.stdout.write(printYaml(documents[0].object) + meshConfig.trustDomain);
`;

it("works where no code may be generated at run time", () => {
  const flags = ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", PROGRAM, INDEX];
  expect(execFileSync(process.execPath, flags, { encoding: "utf8" })).toMatch(/host: a\.com\ncluster\.local$/);
});

it("does not even try: no module it loads probes for it", () => {
  const program = `
    let probes = 0;
    globalThis.Function = new Proxy(Function, { construct: (target, args) => (probes++, Reflect.construct(target, args)) });
    ${PROGRAM}
    process.stdout.write(" probes=" + probes);
  `;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program, INDEX], {
    encoding: "utf8",
  });
  expect(output).toMatch(/ probes=0$/);
});

it("imports no Node API from its index", () => {
  const seen = new Set<string>();
  const external = new Set<string>();
  const visit = (url: URL) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    for (const [, target = ""] of readFileSync(url, "utf8").matchAll(/from "([^"]+)";/g))
      if (target.startsWith(".")) visit(new URL(target, url));
      else external.add(target);
  };
  visit(new URL("../src/index.ts", import.meta.url));
  expect([...external].sort()).toEqual(["@fairlead/model", "re2js", "yaml", "zod/mini"]);
});
