import * as z from "zod/mini";
import type { Schema } from "../schema/message.ts";
import type { Report } from "./report.ts";
import { reportSchemaIssues, withoutIssues } from "./schema-issues.ts";

/**
 * Reads `value` by `schema`. With faults, all of them are reported, and the answer is what remains without the faulty
 * fields (undefined when too little remains), so that the rest can be looked at in the same run.
 */
export function decode<T>(
  schema: Schema<T>,
  value: unknown,
  report: Report,
): { complete: boolean; value: T | undefined } {
  const result = z.safeParse(schema, value);
  if (result.success) return { complete: true, value: result.data };
  reportSchemaIssues(result.error.issues, schema, value, report);
  const rest = z.safeParse(schema, withoutIssues(result.error.issues, value));
  return { complete: false, value: rest.success ? rest.data : undefined };
}
