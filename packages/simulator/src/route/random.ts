/** A request's random number, modulo `modulus`, lies in [from, to). */
export interface Draw {
  readonly modulus: number;
  readonly from: number;
  readonly to: number;
}

const MOST_ENUMERATED = 1 << 22;

/**
 * The share of random numbers that satisfy all draws. Envoy uses one number of a request for its runtime fractions and
 * for its weighted clusters, so these are not independent: 50 % of the requests, weighted 50:50, all go to the first.
 * Exact, unless the common multiple of the moduli is above 4 Mi; then they are taken as independent.
 */
export function shareOf(draws: readonly Draw[]): number {
  const effective = draws.filter(({ modulus, from, to }) => from > 0 || to < modulus);
  const [first] = effective;
  if (first === undefined) return 1;
  if (effective.length === 1) return Math.max(0, first.to - first.from) / first.modulus;
  const period = effective.reduce((product, { modulus }) => (product / divisor(product, modulus)) * modulus, 1);
  if (period > MOST_ENUMERATED)
    return effective.reduce((share, { modulus, from, to }) => (share * Math.max(0, to - from)) / modulus, 1);
  let count = 0;
  for (let value = 0; value < period; value++)
    if (effective.every(({ modulus, from, to }) => value % modulus >= from && value % modulus < to)) count++;
  return count / period;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** Adds shares without the dust of binary fractions: 0.1 + 0.2 is 0.3. */
export function tidy(share: number): number {
  return share === 1 || share === 0 ? share : Number(share.toPrecision(12));
}
