import type { Code } from "./catalogue.ts";
import type { Resource } from "./resource.ts";
import type { ResourceIndex } from "./resource-index.ts";
import type { World } from "./world.ts";

/** Says something about the resource that is judged; `path` is the field it is about. */
export type Report = (code: Code, message: string, path?: string) => void;

/** One rule: it judges resources one by one, each in the company of the others. */
export interface Rule {
  /** Stable, for people and flags. */
  readonly name: string;
  readonly codes: readonly Code[];
  /** Whose resources it judges. */
  readonly kinds: readonly string[];
  /** By what it finds others. */
  readonly indexes?: readonly ResourceIndex[];
  check(resource: Resource, report: Report, world: World): void;
}
