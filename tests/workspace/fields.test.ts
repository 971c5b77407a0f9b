import { fieldPaths, KINDS, type KindName } from "@fairlead/config";
import { describe, expect, it } from "vitest";
import { DOCUMENTS, fieldsIgnored, fieldsNotShown, objectsOf, translations } from "./fields/guard.ts";

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
