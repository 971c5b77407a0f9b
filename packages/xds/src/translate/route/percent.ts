import type { Percent } from "@fairlead/config";
import type { FractionalPercent } from "../../proto/types.ts";

/** A percentage as parts of a million, cut off as Istio does; of zero nothing is left but the denominator. */
export function fractionOf(percent: Percent): FractionalPercent {
  const numerator = Math.trunc((percent.value ?? 0) * 10_000);
  return { ...(numerator > 0 ? { numerator } : {}), denominator: "MILLION" };
}

/** A whole percentage, as parts of a hundred. */
export function wholePercent(percent: number): FractionalPercent {
  return percent > 0 ? { numerator: percent } : {};
}
