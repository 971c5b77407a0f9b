/** What became of one aspect of an object, as Kubernetes writes it. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  /** When its status changed, where it was there before. Who writes it knows when it changed now. */
  readonly lastTransitionTime?: string;
}

/** What is wrong, in the words of the Gateway API. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
  /** The field concerned, where it is known. */
  readonly path?: string;
}

/** An aspect: what it says when all is well, and the problem, if there is one. */
export interface Aspect {
  readonly reason: string;
  readonly message: string;
  /** When all is well. Default: True. */
  readonly status?: "True" | "False";
  readonly problem?: Problem | undefined;
}

/**
 * Conditions by type in order; of those that were there before, the ones of other types stay, in their places. Source:
 * Gateway API, `metav1.Condition` of statuses.
 */
export function conditionsOf(
  aspects: Readonly<Record<string, Aspect>>,
  generation: number | undefined,
  before: unknown = [],
): readonly Condition[] {
  const conditions = conditionsIn(before).map((condition) => condition);
  for (const type of Object.keys(aspects).sort()) {
    const { reason, message, status = "True", problem } = aspects[type] as Aspect;
    const index = conditions.findIndex((other) => other.type === type);
    const old = conditions[index];
    const now = problem ? (status === "True" ? "False" : "True") : status;
    const condition: Condition = {
      type,
      status: now,
      reason: problem?.reason ?? reason,
      message: problem?.message ?? message,
      ...(generation !== undefined && { observedGeneration: generation }),
      ...(old?.status === now &&
        old.lastTransitionTime !== undefined && { lastTransitionTime: old.lastTransitionTime }),
    };
    if (index < 0) conditions.push(condition);
    else conditions[index] = condition;
  }
  return conditions;
}

/** The conditions of a status as it was reported; whatever is not of the form is left out. */
export function conditionsIn(value: unknown): readonly Condition[] {
  return Array.isArray(value)
    ? value.filter(
        (one): one is Condition =>
          typeof one === "object" && one !== null && typeof (one as Condition).type === "string",
      )
    : [];
}

/** Two problems as one. */
export function joinProblems(a: Problem | undefined, b: Problem | undefined): Problem | undefined {
  return a && b ? { ...a, message: `${a.message}; ${b.message}` } : (a ?? b);
}
