import { type ConfigObject, fieldPaths, isKind, messageInfo, type Schema } from "@fairlead/config";
import { describe, expect, it } from "vitest";
import { httpRoute } from "../../packages/config/src/kinds/virtual-service/http-route.ts";
import { virtualService } from "../../packages/config/src/kinds/virtual-service/schema.ts";
import { list, message, text } from "../../packages/config/src/schema/message.ts";
import { fieldsIgnored, fieldsNotShown, objectsOf } from "./fields/guard.ts";

/** What tests/workspace/fields.test.ts rests on: a field that nobody translates does not get past it. */

const documents = objectsOf("virtual-service");

/** A copy of a message's schema with other fields beside, or instead of, its own. */
function extended(schema: Schema, fields: Readonly<Record<string, Schema>>): Schema {
  const info = messageInfo(schema);
  if (!info) throw new Error("only messages have fields");
  return message({ ...info.fields, ...fields });
}

/** VirtualService as it would be with a new field of the spec and one of its HTTP routes. */
const schema = extended(virtualService, {
  http: list(extended(httpRoute, { madeUp: text() })),
  alsoMadeUp: text(),
});

/** The documents with values for both fields. */
const withMadeUpValues = documents.map((object): ConfigObject => {
  if (!isKind(object, "VirtualService") || object.metadata.name !== "hidden") return object;
  const http = object.spec.http?.map((rule) => ({ ...rule, madeUp: "x" }));
  return { ...object, spec: { ...object.spec, alsoMadeUp: "x", http } } as ConfigObject;
});

describe("a made-up field of VirtualService", () => {
  const fields = fieldPaths(schema);

  it("is found where no document shows it", () => {
    expect(fieldsNotShown("VirtualService", fieldPaths("VirtualService"), documents)).toEqual([]);
    expect(fieldsNotShown("VirtualService", fields, documents)).toEqual(["http[].madeUp", "alsoMadeUp"]);
  });

  it("is found where a document shows it and nothing comes of it", { timeout: 120_000 }, async () => {
    expect(fieldsNotShown("VirtualService", fields, withMadeUpValues)).toEqual([]);
    expect(await fieldsIgnored("VirtualService", fields, withMadeUpValues)).toEqual(["http[].madeUp", "alsoMadeUp"]);
  });
});
