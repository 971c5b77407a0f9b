import { editDistance } from "@fairlead/model";
import type * as z from "zod/mini";
import type { PathSegment } from "../common/path.ts";
import { messageInfo, type Schema } from "../schema/message.ts";
import type { Report } from "./report.ts";

type Issue = z.core.$ZodIssue;

/** The name closest to `name` among `candidates`, when it is close enough to be a slip. */
export function closest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  const normal = name.replaceAll(/[_-]/g, "").toLowerCase();
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - normal.length) > 8) continue;
    const distance = editDistance(normal, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** The schema of the value at `path`, as far as messages, lists and maps lead. */
function schemaAt(schema: Schema, path: readonly PathSegment[]): Schema | undefined {
  let current: Schema | undefined = schema;
  for (const segment of path) {
    if (current === undefined) return undefined;
    const info = messageInfo(current);
    const def = current._zod.def as { element?: Schema; valueType?: Schema };
    current = info ? info.fields[String(segment)]?.schema : (def.element ?? def.valueType);
  }
  return current;
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const segment of path) current = (current as Readonly<Record<PropertyKey, unknown>> | undefined)?.[segment];
  return current;
}

const TYPE_WORDS: Readonly<Record<string, string>> = { int: "whole number", record: "object" };

/** Says what the schema objects to, in words about the field. `root` is the value the issues are about. */
export function reportSchemaIssues(issues: readonly Issue[], schema: Schema, root: unknown, report: Report): void {
  for (const [index, issue] of issues.entries()) {
    const path = issue.path as PathSegment[];
    const next = issues[index + 1];
    // A number past the safe integers is past the limit of its field too: that one is said.
    if (issue.code === "too_big" && next?.code === "too_big" && samePath(issue, next)) continue;
    const found = valueAt(root, path);
    const at = report.at(...path);
    switch (issue.code) {
      case "unrecognized_keys": {
        if (Array.isArray(found)) {
          at.error("wrong-type", "must be an object, found array");
          break;
        }
        const fields = Object.keys(messageInfo(schemaAt(schema, path) ?? schema)?.fields ?? {});
        for (const key of issue.keys) {
          const suggestion = closest(key, fields);
          at.at(key).error("unknown-field", `unknown field${suggestion ? `; did you mean ${suggestion}?` : ""}`);
        }
        break;
      }
      case "invalid_type":
        if (found === undefined) at.error("required", "is required");
        else {
          const expected = TYPE_WORDS[issue.expected] ?? issue.expected;
          const number = typeof found === "number" ? `${found}` : typeName(found);
          at.error("wrong-type", `must be ${/^[aeio]/.test(expected) ? "an" : "a"} ${expected}, found ${number}`);
        }
        break;
      case "invalid_value":
        if (found === undefined) at.error("required", "is required");
        else at.error("unknown-value", `${JSON.stringify(found)} is not one of ${issue.values.map(String).join(", ")}`);
        break;
      case "too_small":
        at.error("out-of-range", sizeMessage(issue.origin, "at least", Number(issue.minimum), found));
        break;
      case "too_big":
        at.error("out-of-range", sizeMessage(issue.origin, "at most", Number(issue.maximum), found));
        break;
      case "invalid_format":
        at.error("invalid-format", `${JSON.stringify(found)} does not match ${String(issue.pattern ?? issue.format)}`);
        break;
      case "custom":
        reportCustom(issue.params ?? {}, found, at);
        break;
      default:
        at.error("invalid", issue.message);
    }
  }
}

function sizeMessage(origin: string, bound: string, limit: number, found: unknown): string {
  if (origin === "string") return `must have ${bound} ${limit} characters, has ${String(found).length}`;
  if (origin === "array") return `must have ${bound} ${limit} items, has ${(found as readonly unknown[]).length}`;
  return `must be ${bound} ${limit}, is ${String(found)}`;
}

function reportCustom(params: Readonly<Record<string, unknown>>, found: unknown, at: Report): void {
  if (Array.isArray(params.oneof)) {
    const set = params.oneof.filter((name) => (found as Readonly<Record<string, unknown>>)[name as string] != null);
    at.error("conflicting-fields", `only one of ${params.oneof.join(", ")} may be set, found ${set.join(" and ")}`);
  } else if (params.unique !== undefined) at.error("duplicate", `two items have the same ${params.unique}`);
  else if (params.entries !== undefined) {
    const { min, max } = params.entries as { min?: number; max?: number };
    at.error(
      "out-of-range",
      min === undefined ? `must have at most ${max} entries` : `must have at least ${min} entries`,
    );
  } else if (found === undefined) at.error("required", "is required");
  else if (params.format === "duration")
    at.error("invalid-duration", `must be ${params.expected}, found ${JSON.stringify(found)}`);
  else at.error("wrong-type", `must be ${params.expected === "object" ? "an object" : params.expected}`);
}

function samePath({ path: a }: Issue, { path: b }: Issue): boolean {
  return a.length === b.length && a.every((segment, index) => segment === b[index]);
}

/** Whether the issue is about how many items or entries there are, so that each of them can still be looked at. */
export function isAboutCount(issue: Issue): boolean {
  if (issue.code === "too_big" || issue.code === "too_small") return issue.origin === "array";
  return issue.code === "custom" && (issue.params?.unique !== undefined || issue.params?.entries !== undefined);
}

/** Whether the issue is that a required field is not there. */
export function isMissing(issue: Issue, root: unknown): boolean {
  return issue.path.length > 0 && valueAt(root, issue.path) === undefined;
}

/**
 * A copy of `root` without what the issues are about, so that what remains can be looked at further.
 * Fields that are missing stay missing.
 */
export function withoutIssues(issues: readonly Issue[], root: unknown): unknown {
  const copy = structuredClone(root);
  const remove = (path: readonly PropertyKey[]) => {
    const parent = valueAt(copy, path.slice(0, -1));
    const last = path.at(-1);
    if (typeof parent !== "object" || parent === null || last === undefined) return;
    delete (parent as Record<PropertyKey, unknown>)[last];
  };
  for (const issue of issues.filter((each) => !isAboutCount(each)))
    if (issue.code === "unrecognized_keys") for (const key of issue.keys) remove([...issue.path, key]);
    else if (issue.code === "custom" && Array.isArray(issue.params?.oneof))
      for (const name of issue.params.oneof.slice(1)) remove([...issue.path, name as string]);
    else remove(issue.path);
  return copy;
}
