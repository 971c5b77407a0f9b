import type { Diagnostic, ObjectRef, Severity } from "@fairlead/model";
import { formatPath, type PathSegment } from "../common/path.ts";

/** Where a validation function says what it found. A report stands at a field; {@link Report.at} goes deeper. */
export interface Report {
  error(code: string, message: string): void;
  warning(code: string, message: string): void;
  at(...path: PathSegment[]): Report;
}

/** A report that appends diagnostics about `object` to `into`. */
export function reportInto(into: Diagnostic[], object: ObjectRef, path: readonly PathSegment[] = []): Report {
  const add = (severity: Severity, code: string, message: string) => {
    into.push({ code, severity, message, path: formatPath(path), object });
  };
  return {
    error: (code, message) => add("error", code, message),
    warning: (code, message) => add("warning", code, message),
    at: (...deeper) => reportInto(into, object, [...path, ...deeper]),
  };
}
