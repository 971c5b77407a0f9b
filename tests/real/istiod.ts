/**
 * Configuration over xDS between Fairlead and istiod itself, both ways, with every valid object of the conformance data.
 * `npx pnpm@12 istiod`: prints what arrived. Needs Go; the first build of istiod's parts takes 7 CPU-minutes, which is why this
 * is no part of the tests (`istio-config.test.ts` is, with Istio's messages alone).
 */
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type ConfigObject, memoryStore, printYaml } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { xdsConfigStore } from "@fairlead/xds/config";
import { validObjects } from "../conformance/valid-objects.ts";

const program = join(import.meta.dirname, "../../.cache/go-istiod");

/** Starts the program; `line` is called with what it prints after `mark`. */
function start(words: readonly string[], mark: string, line: (text: string) => void) {
  const child = spawn(program, words, {
    stdio: ["pipe", "pipe", "inherit"],
    // It would want a certificate, and has no authority here.
    env: { ...process.env, ENABLE_XDS_API_GENERATOR_AUTH: "false" },
  });
  createInterface(child.stdout).on("line", (text) => {
    if (text.startsWith(`${mark} `)) line(text.slice(mark.length + 1));
  });
  return child;
}

async function until(what: string, holds: () => boolean): Promise<number> {
  const begun = performance.now();
  while (!holds()) {
    if (performance.now() - begun > 20_000) throw new Error(`not within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - begun;
}

/** istiod takes configuration from us. */
async function toIstiod(objects: readonly ConfigObject[]): Promise<void> {
  const store = memoryStore(objects);
  await using plane = await createControlPlane({ config: store, shareConfig: true });
  const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
  let held: readonly { readonly name: string; readonly spec: object }[] = [];
  const child = start(["watch", ads], "have", (text) => {
    held = JSON.parse(text);
  });
  try {
    await until("all objects", () => held.length === objects.length);
    console.log(`istiod's client holds ${held.length} of ${objects.length} objects`);
    const [first, second] = objects as readonly [ConfigObject, ConfigObject];
    store.put({ ...first, spec: { ...first.spec, hosts: ["changed.example.com"] } } as ConfigObject);
    const changed = await until("a change", () => JSON.stringify(held).includes("changed.example.com"));
    store.delete({ kind: second.kind, namespace: "shop", name: second.metadata.name });
    const gone = await until("a removal", () => !held.some(({ name }) => name === second.metadata.name));
    console.log(`a change was there after ${changed.toFixed(0)} ms, a removal after ${gone.toFixed(0)} ms`);
  } finally {
    child.kill();
  }
}

/** We take configuration from istiod. */
async function fromIstiod(objects: readonly ConfigObject[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "istiod-"));
  const file = join(folder, "all.yaml");
  await writeFile(file, printYaml(...objects));
  let address = "";
  const child = start(["serve", file], "at", (text) => {
    address = text;
  });
  try {
    await until("istiod", () => address !== "");
    for (const mode of ["sotw", "delta"] as const) {
      using store = xdsConfigStore({ address, mode });
      await store.ready;
      const wrong = store.diagnostics().filter(({ severity }) => severity === "error");
      console.log(`from istiod (${mode}): ${[...store.keys()].length} objects, ${wrong.length} errors`);
      const rule = [...store.values()].find(({ kind }) => kind === "DestinationRule");
      child.stdin.write(`${rule?.metadata.name} shop\n`);
      const key = `DestinationRule/shop/${rule?.metadata.name}`;
      console.log(`a removal was there after ${(await until("a removal", () => !store.get(key))).toFixed(0)} ms`);
    }
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}

await mkdir(join(program, ".."), { recursive: true });
console.log("building istiod's parts (once, about 7 CPU-minutes) …");
await promisify(execFile)("go", ["build", "-trimpath", "-o", program, "."], {
  cwd: join(import.meta.dirname, "go-istiod"),
  maxBuffer: 64 * 1024 * 1024,
});
const objects = validObjects();
await toIstiod(objects);
await fromIstiod(objects);
