import type { Code } from "./catalogue.ts";
import type { Input, Resource } from "./input.ts";

/** Says something about a resource; `path` is the field it is about. */
export type Report = (code: Code, resource: Resource, message: string, path?: string) => void;

/** One rule: it looks at the whole input and reports what is wrong. */
export interface Rule {
  /** Stable, for people and flags. */
  readonly name: string;
  readonly codes: readonly Code[];
  check(input: Input, report: Report): void;
}
