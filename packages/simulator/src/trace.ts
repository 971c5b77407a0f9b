/** The place in a source of truth that decided: position and field. */
export interface TraceSource {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** `VirtualService default/reviews`. */
  readonly object: string;
  /** `spec.http[0]`; empty for the object as a whole. */
  readonly path: string;
}

/** One rule that was tried. */
export interface TraceStep {
  /** What kind of rule: `listener`, `filter chain`, `virtual host`, `route`, `http filter`, `cluster`, … Steps at the callee begin with `callee `. */
  readonly step: string;
  /** Its name, or what it says. */
  readonly rule: string;
  readonly matched: boolean;
  /** Why it matched or did not. */
  readonly reason: string;
  readonly source?: TraceSource;
}

/** Takes down what is tried. Evaluation without one builds no texts. */
export interface Tracer {
  /** `node`: the object of the resource that stands for the rule, by which its source is found; of several the first that has one. */
  add(step: string, rule: string, matched: boolean, reason: string, node?: object | readonly object[]): void;
  /** A tracer for the steps of another proxy, in which nodes have other sources; they are kept with these. */
  enter(prefix: string, sourceOf: (node: object) => TraceSource | undefined): Tracer;
}

/** A tracer that keeps the steps in order. */
export function recordTrace(
  sourceOf?: (node: object) => TraceSource | undefined,
): Tracer & { readonly steps: readonly TraceStep[] } {
  const steps: TraceStep[] = [];
  const tracer = (prefix: string, find: typeof sourceOf): Tracer => ({
    enter: (inner, other) => tracer(inner, other),
    add(step, rule, matched, reason, node) {
      const source = node && find && firstSource(Array.isArray(node) ? node : [node], find);
      steps.push({ step: prefix + step, rule, matched, reason, ...(source && { source }) });
    },
  });
  return { steps, ...tracer("", sourceOf) };
}

function firstSource(
  nodes: readonly object[],
  sourceOf: (node: object) => TraceSource | undefined,
): TraceSource | undefined {
  for (const node of nodes) {
    const source = sourceOf(node);
    if (source) return source;
  }
  return undefined;
}

/** The trace for people, a line a step. */
export function formatTrace(steps: readonly TraceStep[]): string {
  return steps
    .map(({ step, rule, matched, reason, source }) => {
      const at = source?.file === undefined ? undefined : `${source.file}:${source.line ?? 1}:${source.column ?? 1}`;
      const where = source && [at, source.object, source.path].filter(Boolean).join(" ");
      return `${matched ? "✓" : "✗"} ${step} ${rule}: ${reason}${where ? `\n    ${where}` : ""}`;
    })
    .join("\n");
}
