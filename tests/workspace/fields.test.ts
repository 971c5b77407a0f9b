import { fieldPaths, KINDS, type KindName, refOf } from "@fairlead/config";
import { objectKey } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { DOCUMENTS, EXCEPTIONS, fieldsIgnored, fieldsNotShown, objectsOf, translations } from "./fields/guard.ts";

/**
 * Never accept and ignore: every field of a schema stands in a document of tests/workspace/fields/, and taking it out there
 * changes a resource of some proxy or what the user is told. A new field that is not translated fails here.
 */
describe.each(Object.entries(DOCUMENTS) as [KindName, string][])("%s", (kind, file) => {
  it("shows every field of the schema", () => {
    expect(fieldsNotShown(kind, fieldPaths(kind), objectsOf(file))).toEqual([]);
  });

  it("translates or reports every field", { timeout: 120_000 }, async () => {
    expect(await fieldsIgnored(kind, fieldPaths(kind), objectsOf(file))).toEqual([]);
  });
});

describe("kinds", () => {
  it("shows the fields of every kind that is translated; objects of others are said to have no effect", async () => {
    const others = objectsOf("whole");
    expect([...Object.keys(DOCUMENTS), ...others.map(({ kind }) => kind)].sort()).toEqual(Object.keys(KINDS).sort());
    const { nodes } = await translations([...objectsOf("base"), ...others]);
    const told = nodes.flatMap(({ diagnostics }) => diagnostics).filter(({ code }) => code === "unsupported-kind");
    const named = new Set(told.flatMap(({ object }) => (object ? [objectKey(object)] : [])));
    expect([...named].sort()).toEqual(others.map((object) => objectKey(refOf(object))).sort());
  });

  it("makes exceptions of fields that exist only", () => {
    const known = Object.keys(DOCUMENTS).flatMap((kind) =>
      fieldPaths(kind as KindName).map((path) => `${kind} ${path}`),
    );
    expect(Object.keys(EXCEPTIONS).filter((name) => !known.includes(name))).toEqual([]);
  });
});
