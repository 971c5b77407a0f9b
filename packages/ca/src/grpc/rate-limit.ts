import { type Clock, systemClock } from "../clock.ts";
import { CaError } from "../error.ts";

export interface RateLimit {
  /** Requests a second, lasting, and at once. */
  readonly perSecond: number;
  readonly burst: number;
}

export interface RateLimits {
  /** For each caller. Default 5 a second, 20 at once. */
  readonly perCaller: RateLimit;
  /** For all callers together. Default 1000 a second, 2000 at once. */
  readonly total: RateLimit;
}

export const DEFAULT_RATE_LIMITS: RateLimits = {
  perCaller: { perSecond: 5, burst: 20 },
  total: { perSecond: 1000, burst: 2000 },
};

interface Bucket {
  tokens: number;
  at: number;
}

/** Most callers that are remembered; one that is forgotten starts with a full bucket. */
const MAX_CALLERS = 50_000;

/** Token buckets. The returned function takes one token for a caller; throws RATE_LIMITED with `retryAfterMs`. */
export function rateLimiter(
  limits: Partial<RateLimits> = {},
  clock: Pick<Clock, "now"> = systemClock,
): (caller: string) => void {
  const { perCaller, total } = { ...DEFAULT_RATE_LIMITS, ...limits };
  const callers = new Map<string, Bucket>();
  const all: Bucket = { tokens: total.burst, at: clock.now() };
  const refill = (bucket: Bucket, { perSecond, burst }: RateLimit, now: number) => {
    const passed = Math.max(0, now - bucket.at); // a clock set back gives nothing and takes nothing
    bucket.tokens = Math.min(burst, bucket.tokens + (passed / 1000) * perSecond);
    bucket.at = now;
  };
  const refuse = (bucket: Bucket, { perSecond }: RateLimit, whose: string): never => {
    const retryAfterMs = Math.ceil(((1 - bucket.tokens) / perSecond) * 1000);
    throw new CaError("RATE_LIMITED", `too many requests ${whose}; try again in ${retryAfterMs} ms`, { retryAfterMs });
  };
  return (caller) => {
    const now = clock.now();
    let bucket = callers.get(caller);
    if (bucket === undefined) {
      const oldest = callers.size >= MAX_CALLERS ? callers.keys().next().value : undefined;
      if (oldest !== undefined) callers.delete(oldest);
      bucket = { tokens: perCaller.burst, at: now };
    } else callers.delete(caller);
    callers.set(caller, bucket); // the most recent last
    refill(bucket, perCaller, now);
    refill(all, total, now);
    if (bucket.tokens < 1) refuse(bucket, perCaller, "of this caller");
    if (all.tokens < 1) refuse(all, total, "at once");
    bucket.tokens -= 1;
    all.tokens -= 1;
  };
}
