import { structurallyEqual } from "@fairlead/model";
import * as z from "zod/mini";
import { parseDuration } from "../common/duration.ts";
import type { Schema } from "../schema/message.ts";
import type { Report } from "./report.ts";
import { isAboutCount, isMissing, reportSchemaIssues, withoutIssues } from "./schema-issues.ts";

export interface DecodeOptions {
  /** Whether the rules hold that only a CRD states (durations of at least 1 ms). Default: true. */
  readonly crd?: boolean;
  /** Whether what lacks required fields is worth an answer. Default: false. */
  readonly incomplete?: boolean;
}

/**
 * Reads `value` by `schema`. With faults, all of them are reported, and the answer is what remains without the faulty
 * fields (undefined when too little remains), so that the rest can be looked at in the same run. With
 * `incomplete`, required fields may be missing in it.
 */
export function decode<T>(
  schema: Schema<T>,
  value: unknown,
  report: Report,
  { crd = true, incomplete = false }: DecodeOptions = {},
): T | undefined {
  const result = read(schema, value);
  if (result === undefined) {
    report.error("too-many-faults", "has more faults than can be listed");
    return undefined;
  }
  // Nearly always the two are equal; then the copy need not be held besides the document.
  if (result.success) return structurallyEqual(result.data, value) ? (value as T) : result.data;
  const issues = result.error.issues.filter((issue) => crd || !isShortDuration(issue, value));
  if (issues.length === 0) return value as T;
  reportSchemaIssues(issues, schema, value, report);
  const pruned = withoutIssues(issues, value);
  const rest = read(schema, pruned);
  if (rest === undefined) return undefined;
  if (rest.success) return rest.data;
  const usable = rest.error.issues.every(
    (issue) =>
      isAboutCount(issue) || (incomplete && isMissing(issue, pruned)) || (!crd && isShortDuration(issue, pruned)),
  );
  return usable ? (pruned as T) : undefined;
}

/** Undefined when there are so many issues (hundreds of thousands) that zod cannot hand them on. */
function read<T>(schema: Schema<T>, value: unknown): z.core.util.SafeParseResult<T> | undefined {
  try {
    return z.safeParse(schema, value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isShortDuration(issue: z.core.$ZodIssue, root: unknown): boolean {
  if (issue.code !== "custom" || issue.params?.format !== "duration") return false;
  let value = root;
  for (const segment of issue.path) value = (value as Readonly<Record<PropertyKey, unknown>> | undefined)?.[segment];
  return typeof value === "string" && parseDuration(value) !== undefined;
}
