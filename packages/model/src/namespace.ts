import type { Labels } from "./labels.ts";

/** A namespace, as far as the mesh cares. */
export interface Namespace {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}
