import type { FractionalPercent } from "../envoy.ts";

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** A FractionalPercent as numerator and denominator. The default denominator is 100. */
export function fraction({ numerator = 0, denominator = "HUNDRED" }: FractionalPercent): {
  readonly numerator: number;
  readonly denominator: number;
} {
  const whole = DENOMINATORS[denominator];
  return { numerator: Math.min(numerator, whole), denominator: whole };
}

/** The share that a FractionalPercent stands for; 0 when there is none. */
export function percentage(percent: FractionalPercent | undefined): number {
  if (percent === undefined) return 0;
  const { numerator, denominator } = fraction(percent);
  return numerator / denominator;
}
