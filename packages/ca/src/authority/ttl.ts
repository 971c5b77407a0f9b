import { CaError } from "../error.ts";

export interface TtlPolicy {
  /** Used when none, zero or a negative one is asked for. Default 86400 (24 h). */
  readonly defaultSeconds: number;
  /** Longer ones are refused, not cut. Default 7776000 (90 d). */
  readonly maxSeconds: number;
  /** How far back certificates start, for clocks that are behind. Default 120. */
  readonly backdateSeconds: number;
}

export const DEFAULT_TTL_POLICY: TtlPolicy = { defaultSeconds: 86_400, maxSeconds: 7_776_000, backdateSeconds: 120 };

/** The lifetime that is granted for what was asked, whole seconds. Throws TTL_TOO_LONG, for NaN too. */
export function grantedTtl(asked: number | undefined, policy: TtlPolicy): number {
  if (asked === undefined || asked <= 0) return Math.min(policy.defaultSeconds, policy.maxSeconds);
  if (!(asked <= policy.maxSeconds))
    throw new CaError(
      "TTL_TOO_LONG",
      `a lifetime of ${asked} s was asked for; at most ${policy.maxSeconds} s are granted`,
    );
  return Math.max(1, Math.floor(asked));
}
