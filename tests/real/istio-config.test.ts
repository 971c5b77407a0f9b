import { execFile, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type ConfigObject, memoryStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { canonicalize, decode } from "@fairlead/xds";
import { configTypeUrl, xdsConfigStore } from "@fairlead/xds/config";
import { beforeAll, describe, expect, it } from "vitest";
import { hasConformance } from "../../packages/config/test/conformance.ts";
import { descriptor } from "../../packages/xds/gen/descriptor.js";
import { encodeConfig } from "../../packages/xds/src/config/envelope.ts";
import { messageNameOf } from "../../packages/xds/src/proto/index.ts";
import { validObjects } from "../conformance/valid-objects.ts";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const here = (await hasTool("go", ["version"], "configuration over xDS with Go's istio/api")) && hasConformance();
const program = join(import.meta.dirname, "../../.cache/go-istio-config");

/** An object as the program prints and takes it. */
interface Sent {
  readonly typeUrl: string;
  readonly name: string;
  readonly labels?: object;
  readonly annotations?: object;
  readonly created?: string;
  readonly version?: string;
  readonly spec: object;
}

/** Message and spec in the JSON that Go prints: seconds, and numbers of 64 bits as text, whatever it was written as. */
function sentAs(object: ConfigObject): { readonly message: string; readonly spec: object } {
  const { body } = decode("istio.mcp.v1alpha1.Resource", encodeConfig(object).bytes) as {
    readonly body: Readonly<Record<string, unknown>>;
  };
  const { "@type": type, ...spec } = body;
  return { message: messageNameOf(String(type)), spec };
}

const nameOf = ({ metadata }: ConfigObject) => `${metadata.namespace}/${metadata.name}`;

describe.skipIf(!here)("configuration over xDS, with Go's istio/api", () => {
  beforeAll(async () => {
    await mkdir(join(program, ".."), { recursive: true });
    await run("go", ["build", "-o", program, "."], {
      cwd: join(import.meta.dirname, "go-istio-config"),
      timeout: 600_000,
    });
  });

  it("has the fields, numbers and types of every message", async () => {
    const { stdout } = await run(program, ["fields"], { maxBuffer: 1e7 });
    const packages = /^istio\.(extensions\.v1alpha1|mcp\.|networking\.v1|security\.v1beta1|telemetry\.|type\.)/;
    const theirs = stdout.split("\n").filter((line) => {
      const [name = ""] = line.split(" ");
      // Status is no configuration, and does not travel.
      return packages.test(name) && !/\.ServiceEntry(Status|Address)$/.test(name);
    });
    const ofMessages = Object.entries(descriptor.messages).flatMap(([message, fields]) =>
      fields.map(([number, name, type, label = "", oneof = ""]) => [message, number, name, type, label, oneof]),
    );
    const ofEnums = Object.entries(descriptor.enums).flatMap(([name, values]) =>
      Object.entries(values).map(([value, number]) => [name, number, value, "", "", ""]),
    );
    const ours = [...ofMessages, ...ofEnums].map((words) => words.join(" ")).filter((line) => packages.test(line));
    console.log(`${ours.length} fields and enum values of istio/api`);
    expect(ours.length).toBeGreaterThan(600);
    expect(ours.sort()).toEqual(theirs.sort());
  });

  it("is read by it, every valid object, followed and forgotten", async () => {
    const objects = validObjects();
    const store = memoryStore(objects);
    await using plane = await createControlPlane({ config: store, shareConfig: true });
    const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
    const child = spawn(program, ["watch", ads], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      let received: readonly Sent[] = [];
      createInterface(child.stdout).on("line", (line) => {
        received = JSON.parse(line);
      });
      await expect.poll(() => received.length, { timeout: 30_000 }).toBe(objects.length);
      const specs = Object.fromEntries(received.map(({ name, spec }) => [name, spec]));
      expect(specs).toEqual(Object.fromEntries(objects.map((object) => [nameOf(object), sentAs(object).spec])));
      expect(received[0]).toMatchObject({ labels: { index: expect.any(String) }, annotations: { a: "b" } });
      console.log(
        `${received.length} objects of ${new Set(received.map(({ typeUrl }) => typeUrl)).size} kinds read by Go`,
      );

      const [first, second] = objects as readonly [ConfigObject, ConfigObject];
      const specOf = (object: ConfigObject) => received.find(({ name }) => name === nameOf(object))?.spec;
      store.put({ ...first, spec: { ...first.spec, hosts: ["changed.example.com"] } } as ConfigObject);
      await expect.poll(() => specOf(first), { timeout: 10_000 }).toMatchObject({ hosts: ["changed.example.com"] });
      store.delete({ kind: second.kind, namespace: "shop", name: second.metadata.name });
      await expect.poll(() => received.length, { timeout: 10_000 }).toBe(objects.length - 1);
    } finally {
      child.kill();
    }
  });

  it("is read from it, every valid object", async () => {
    const objects = validObjects();
    const child = spawn(program, ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      child.stdin.end(
        JSON.stringify(
          objects.map((object) => ({
            typeUrl: configTypeUrl(object.kind),
            name: nameOf(object),
            labels: object.metadata.labels,
            annotations: object.metadata.annotations,
            spec: sentAs(object).spec,
          })),
        ),
      );
      const [address = ""] = await new Promise<readonly string[]>((resolve) =>
        createInterface(child.stdout).once("line", (line) => resolve([line])),
      );
      using store = xdsConfigStore({ address });
      await store.ready;
      expect([...store.keys()].length).toBe(objects.length);
      expect(store.diagnostics().filter(({ severity }) => severity === "error")).toEqual([]);
      for (const object of objects) {
        const { message, spec: sent } = sentAs(object);
        const { metadata, spec } = store.get(`${object.kind}/shop/${object.metadata.name}`) ?? {};
        expect(metadata).toMatchObject({ labels: object.metadata.labels, annotations: { a: "b" } });
        expect(metadata?.creationTimestamp).toBeUndefined();
        expect(canonicalize(message, spec as object)).toEqual(sent);
      }
    } finally {
      child.kill();
    }
  });
});
