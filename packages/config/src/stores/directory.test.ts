import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostic } from "@fairlead/model";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
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
