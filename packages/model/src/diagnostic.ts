import type { ObjectRef } from "./object-ref.ts";

/** A place in a text. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Severity = "error" | "warning" | "info";

/**
 * Something to tell a user about an object: the normal outcome of parsing, validation, analysis and translation.
 * All of them at once, never the first only.
 */
export interface Diagnostic {
  /** Stable, for machines: `unknown-field`, `out-of-range`, `IST0101`, … */
  readonly code: string;
  readonly severity: Severity;
  /** For people; says what was found and what was expected. */
  readonly message: string;
  /** The field, as `spec.http[0].route[1].weight`; empty for the object as a whole. */
  readonly path: string;
  readonly object?: ObjectRef;
  readonly position?: Position;
}

/** `file:line:column: severity Kind ns/name path: message [code]`, leaving out what is not known. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { code, severity, message, path, object, position } = diagnostic;
  const where = position ? `${position.file}:${position.line}:${position.column}: ` : "";
  const what = object ? `${object.kind} ${object.namespace ? `${object.namespace}/` : ""}${object.name} ` : "";
  return `${where}${severity} ${what}${path ? `${path}: ` : ""}${message} [${code}]`;
}
