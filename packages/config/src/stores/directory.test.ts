import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostic } from "@fairlead/model";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { destinationRule } from "../builders.ts";
import { storeContract } from "../testing/contract.ts";
import { type DirectoryStore, directoryStore } from "./directory.ts";

let folder: string;
let store: DirectoryStore | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-config-"));
});
afterEach(async () => {
  await store?.close();
  await rm(folder, { recursive: true, force: true });
});

const rule = (name: string, host: string) =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: ${name}\nspec:\n  host: ${host}\n`;

const hostOf = (name: string) => {
  const object = store?.get(`DestinationRule/default/${name}`);
  return (object?.spec as { host?: string } | undefined)?.host;
};

async function open(options = {}): Promise<DirectoryStore> {
  store = directoryStore(folder, { debounce: 10, ...options });
  await store.ready;
  return store;
}

storeContract({ describe, it }, "directoryStore", async () => {
  const shared = await mkdtemp(join(tmpdir(), "fairlead-config-"));
  const one = directoryStore(shared, { debounce: 10 });
  return {
    store: one,
    generations: false,
    stop: async () => {
      await one.close();
      await rm(shared, { recursive: true });
    },
  };
});

describe("writing", () => {
  const commented = `# the rules of the shop
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a} # short
spec:
  host: a.com # who
  # how
  trafficPolicy:
    loadBalancer: { simple: RANDOM }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: a
  namespace: other
spec:
  host: other.com
`;
  const a = { kind: "DestinationRule", namespace: "default", name: "a" };

  it("touches what changes, and keeps comments and the rest of the file", async () => {
    const file = join(folder, "a.yaml");
    await writeFile(file, commented);
    const { transact, stored } = bound(await open({ watch: false }));
    const before = stored(a)?.object as never as ReturnType<typeof destinationRule>;
    const spec = { ...before.spec, host: "b.com" };
    const other = destinationRule({ name: "a", namespace: "other" }, { host: "new.other.com" });
    await transact([{ put: { ...before, spec } }, { put: other }]);
    expect(await readFile(file, "utf8")).toBe(
      commented.replace("a.com", "b.com").replace("other.com", "new.other.com"),
    );
    await transact([{ delete: a }]);
    expect(await readFile(file, "utf8")).toBe(
      `---\n${commented.split("---\n")[1]}`.replace("other.com", "new.other.com"),
    );
    await transact([{ delete: { ...a, namespace: "other" } }]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("writes where a link leads, and keeps the mode of the file", async () => {
    const real = join(folder, "elsewhere.txt");
    await writeFile(real, rule("a", "a.com"), { mode: 0o600 });
    await symlink("elsewhere.txt", join(folder, "a.yaml"));
    const { transact } = bound(await open({ watch: false }));
    await transact([{ put: destinationRule("a", { host: "b.com" }) }]);
    expect(await readFile(real, "utf8")).toBe(rule("a", "b.com"));
    expect((await lstat(join(folder, "a.yaml"))).isSymbolicLink()).toBe(true);
    expect((await lstat(real)).mode & 0o777).toBe(0o600);
    await transact([{ delete: a }]);
    expect(await readdir(folder)).toEqual(["elsewhere.txt"]);
  });

  it("gives a new object a file of its own", async () => {
    const { transact } = bound(await open({ watch: false }));
    await transact([{ put: destinationRule({ name: "a", namespace: "shop" }, { host: "a.com" }), expect: null }]);
    expect(await readdir(folder)).toEqual(["shop.DestinationRule.a.yaml"]);
    expect(await readFile(join(folder, "shop.DestinationRule.a.yaml"), "utf8")).toBe(
      "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  host: a.com\n",
    );
  });

  it("sees what another program wrote since, and says so", async () => {
    const file = join(folder, "a.yaml");
    await writeFile(file, rule("a", "a.com"));
    const { transact, stored } = bound(await open({ watch: false }));
    const read = stored(a)?.revision as string;
    await writeFile(file, rule("a", "theirs.com"));
    await expect(transact([{ put: destinationRule("a", { host: "ours.com" }), expect: read }])).rejects.toThrow(
      /DestinationRule default\/a has revision \w+, \w+ was expected/,
    );
    expect(await readFile(file, "utf8")).toBe(rule("a", "theirs.com"));
  });

  it("writes nothing when one file of a transaction cannot be written", async () => {
    await mkdir(join(folder, "shop.DestinationRule.b.yaml"));
    await writeFile(join(folder, "a.yaml"), rule("a", "a.com"));
    const { transact } = bound(await open({ watch: false }));
    const edits = [
      { put: destinationRule("a", { host: "b.com" }) },
      { put: destinationRule({ name: "b", namespace: "shop" }, { host: "b.com" }) },
    ];
    await expect(transact(edits)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await readFile(join(folder, "a.yaml"), "utf8")).toBe(rule("a", "a.com"));
    expect((await readdir(folder)).sort()).toEqual(["a.yaml", "shop.DestinationRule.b.yaml"]);
  });

  it("leaves objects inside lists to the hand", async () => {
    const item = {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "a" },
      spec: { host: "a.com" },
    };
    await writeFile(join(folder, "list.yaml"), JSON.stringify({ apiVersion: "v1", kind: "List", items: [item] }));
    const { transact } = bound(await open({ watch: false }));
    await expect(transact([{ delete: a }])).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

function bound(store: DirectoryStore) {
  return { transact: store.transact.bind(store), stored: store.stored.bind(store) };
}

describe("directoryStore", () => {
  it("reads folders recursively and keeps other kinds apart", async () => {
    await mkdir(join(folder, "sub"));
    await writeFile(join(folder, "a.yaml"), rule("a", "a.com"));
    await writeFile(
      join(folder, "sub", "b.json"),
      JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "s" } }),
    );
    await writeFile(join(folder, "notes.txt"), "nothing");
    const { documents } = await open();
    expect(hostOf("a")).toBe("a.com");
    expect([...documents.keys()]).toEqual(["Service/default/s"]);
  });

  it("sees a file written in place, renamed over, and removed", async () => {
    const file = join(folder, "a.yaml");
    await writeFile(file, rule("a", "a.com"));
    await open();
    await writeFile(file, rule("a", "b.com"));
    await vi.waitFor(() => expect(hostOf("a")).toBe("b.com"), 5000);
    await writeFile(join(folder, ".a.yaml.tmp"), rule("a", "c.com"));
    await rename(join(folder, ".a.yaml.tmp"), file);
    await vi.waitFor(() => expect(hostOf("a")).toBe("c.com"), 5000);
    await rm(file);
    await vi.waitFor(() => expect(hostOf("a")).toBeUndefined(), 5000);
  });

  it("follows the symlink swap of a Kubernetes mount", async () => {
    const version = async (name: string, host: string) => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "a.yaml"), rule("a", host));
    };
    await version("..v1", "one.com");
    await symlink("..v1", join(folder, "..data"));
    await symlink(join("..data", "a.yaml"), join(folder, "a.yaml"));
    await open();
    expect(hostOf("a")).toBe("one.com");
    await version("..v2", "two.com");
    await symlink("..v2", join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    await rm(join(folder, "..v1"), { recursive: true });
    await vi.waitFor(() => expect(hostOf("a")).toBe("two.com"), 5000);
  });

  it("keeps the last good version of a broken object and says where it broke", async () => {
    const file = join(folder, "a.yaml");
    await writeFile(file, `${rule("a", "a.com")}---\n${rule("b", "b.com")}`);
    const reported: string[] = [];
    const opened = await open({
      onDiagnostics: (all: Parameters<typeof formatDiagnostic>[0][]) => reported.push(...all.map(formatDiagnostic)),
    });
    await writeFile(file, `${rule("a", "a2.com")}---\n${rule("b", "b2.com").replace("host:", "hots:")}`);
    await vi.waitFor(() => expect(hostOf("a")).toBe("a2.com"), 5000);
    expect(hostOf("b")).toBe("b.com");
    expect(opened.diagnostics()).toContainEqual(
      expect.objectContaining({ path: "spec.hots", position: { file, line: 13, column: 3 } }),
    );
    expect(reported.join("\n")).toContain(`${file}:13:3: error DestinationRule default/b spec.hots: unknown field`);
    await writeFile(file, "{ not yaml");
    await vi.waitFor(() => expect(opened.diagnostics().map(({ code }) => code)).toContain("yaml-syntax"), 5000);
    expect([hostOf("a"), hostOf("b")]).toEqual(["a2.com", "b.com"]);
    await writeFile(file, rule("b", "b3.com"));
    await vi.waitFor(() => expect(hostOf("b")).toBe("b3.com"), 5000);
    expect(hostOf("a")).toBeUndefined();
    expect(opened.diagnostics()).toEqual([]);
  });

  it("reports an object that two files define and keeps the first", async () => {
    await writeFile(join(folder, "a.yaml"), rule("a", "first.com"));
    await writeFile(join(folder, "b.yaml"), rule("a", "second.com"));
    const { diagnostics } = await open();
    expect(hostOf("a")).toBe("first.com");
    expect(diagnostics.call(store).map(formatDiagnostic)).toEqual([
      `${join(folder, "b.yaml")}:4:3: error DestinationRule default/a defined at ${join(folder, "b.yaml")}:1 and differently at ${join(folder, "a.yaml")}:1; the latter stays in force [duplicate-object]`,
    ]);
    await rm(join(folder, "a.yaml"));
    await vi.waitFor(() => expect(hostOf("a")).toBe("second.com"), 5000);
  });

  it("keeps the old object when only its place in the file changed, and finds the new place", async () => {
    const file = join(folder, "a.yaml");
    await writeFile(file, rule("a", "a.com"));
    const opened = await open();
    const before = opened.get("DestinationRule/default/a");
    let changes = 0;
    opened.subscribe(() => changes++);
    await writeFile(file, `# a comment\n# another\n${rule("a", "a.com")}`);
    const ref = { kind: "DestinationRule", namespace: "default", name: "a" };
    await vi.waitFor(() => expect(opened.locate(ref, "spec.host")).toEqual({ file, line: 8, column: 3 }), 5000);
    expect(opened.get("DestinationRule/default/a")).toBe(before);
    expect(changes).toBe(0);
  });

  it("rejects `ready` when the path is not there", async () => {
    store = directoryStore(join(folder, "missing"));
    await expect(store.ready).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
  });
});
