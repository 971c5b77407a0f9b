import type { Change } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { destinationRule, serviceEntry } from "../builders.ts";
import type { ConfigObject } from "../object.ts";
import { storeContract } from "../testing/contract.ts";
import { textStore } from "./documents.ts";
import { memoryStore } from "./memory.ts";

const rule = (host: string, more = {}) => destinationRule({ name: "a", ...more }, { host });
const KEY = "DestinationRule/default/a";

storeContract({ describe, it }, "memoryStore", () => ({ store: memoryStore() }));

describe("memoryStore", () => {
  it("tells its listeners of batches, and keeps the old object when the meaning is equal", () => {
    const first = rule("a.com", { resourceVersion: "1" });
    const store = memoryStore([first]);
    const batches: (readonly Change<ConfigObject>[])[] = [];
    const stop = store.subscribe((changes) => batches.push(changes));
    store.put(rule("a.com", { resourceVersion: "2" }));
    expect(store.get(KEY)).toBe(first);
    store.put(rule("b.com"), serviceEntry("s", { hosts: ["s.com"] }));
    expect(batches.map((batch) => batch.map(({ key }) => key))).toEqual([[KEY, "ServiceEntry/default/s"]]);
    store.delete({ kind: "DestinationRule", namespace: "default", name: "a" });
    expect([...store.keys()]).toEqual(["ServiceEntry/default/s"]);
    stop();
    store.put(rule("c.com"));
    expect(batches).toHaveLength(2);
  });

  it("keeps broken objects out and the last good version in", () => {
    const store = memoryStore([rule("a.com")]);
    const found = store.put(rule("not a host"));
    expect(found.map(({ code }) => code)).toEqual(["invalid-host"]);
    expect(store.get(KEY)?.spec).toEqual({ host: "a.com" });
    expect(store.diagnostics()).toEqual(found);
    store.put(rule("b.com"));
    expect(store.diagnostics()).toEqual([]);
  });

  it("counts allocated addresses of a ServiceEntry as meaning", () => {
    const entry = serviceEntry("s", { hosts: ["s.com"] });
    const store = memoryStore([entry]);
    store.put({ ...entry, status: { addresses: [{ value: "240.240.0.1" }] } });
    expect(store.get("ServiceEntry/default/s")?.status).toEqual({ addresses: [{ value: "240.240.0.1" }] });
  });
});

describe("textStore", () => {
  const text = (name: string, host: string) =>
    `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: ${name} }\nspec: { host: ${host} }\n`;

  it("holds what several texts say, the first by name where two say the same", () => {
    const store = textStore({ "b.yaml": text("a", "b.com"), "a.yaml": text("a", "a.com") });
    expect(store.get(KEY)?.spec).toEqual({ host: "a.com" });
    expect(store.diagnostics().map(({ code, position }) => [code, position?.file])).toEqual([
      ["duplicate-object", "b.yaml"],
    ]);
    store.set({ "a.yaml": undefined });
    expect(store.get(KEY)?.spec).toEqual({ host: "b.com" });
    expect(store.diagnostics()).toEqual([]);
  });

  it.each([
    ["a mistyped kind", "kind: DestinationRule", "kind: DestinationRul"],
    ["no name", "name: a", "nmae: a"],
    ["no kind", "kind: DestinationRule\n", ""],
    ["broken YAML", "{ name", "{{ name"],
    ["a wrong field", "spec: {", "spec: { x: 1,"],
  ])("keeps the last good version through %s", (_, before, after) => {
    const store = textStore({ "a.yaml": `${text("a", "a.com")}---\n${text("b", "b.com")}` });
    store.set({ "a.yaml": `${text("a", "new.com").replace(before, after)}---\n${text("b", "b2.com")}` });
    expect([store.get(KEY)?.spec, store.get("DestinationRule/default/b")?.spec]).toEqual([
      { host: "a.com" },
      { host: "b2.com" },
    ]);
    expect(store.diagnostics().filter(({ severity }) => severity === "error")).not.toEqual([]);
    store.set({ "a.yaml": text("b", "b2.com") });
    expect([...store.keys()]).toEqual(["DestinationRule/default/b"]);
  });

  it("keeps namesakes of other API groups apart", () => {
    const service = (apiVersion: string) => `apiVersion: ${apiVersion}\nkind: Service\nmetadata: { name: web }\n`;
    const store = textStore({ "a.yaml": `${service("v1")}---\n${service("serving.knative.dev/v1")}` });
    expect([...store.documents.keys()]).toEqual(["Service/default/web", "Service.serving.knative.dev/default/web"]);
  });

  it("holds the same whatever the order of the documents", () => {
    const parts = ["x", "y", "z"].map((name) => text(name, `${name}.com`));
    const sorted = (order: readonly string[]) =>
      [...textStore({ "a.yaml": order.join("---\n") }).values()].map(({ spec }) => JSON.stringify(spec)).sort();
    expect(sorted([...parts].reverse())).toEqual(sorted(parts));
  });
});
