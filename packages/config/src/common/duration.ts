type Unit = "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h";

/**
 * How a program writes a duration: `5s`, `0.5s`, `250ms`, `1h30m`, `0`. What is not of this form does not compile; a text from
 * elsewhere is checked when the object is validated.
 */
export type DurationText =
  | "0"
  | `${number}${Unit}`
  | `${number}h${number}m`
  | `${number}h${number}s`
  | `${number}m${number}s`
  | `${number}h${number}m${number}s`
  | `${number}s${number}ms`;

const UNIT_MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const TERM = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** The largest duration Go's 64-bit nanoseconds hold, in milliseconds. */
const MAX_MILLISECONDS = 9_223_372_036_854.775;

/**
 * Reads a duration as Go writes it (`1h30m`, `1.5s`, `250ms`, `-1s`, `0`), which includes protobuf JSON's `3.5s`.
 * Answers milliseconds (fractions for finer units), undefined for anything else. Source: Go `time.ParseDuration`.
 */
export function parseDuration(text: string): number | undefined {
  const negative = text.startsWith("-");
  const start = negative || text.startsWith("+") ? 1 : 0;
  if (text.slice(start) === "0") return 0;
  if (start === text.length) return undefined;
  let total = 0;
  TERM.lastIndex = start;
  for (let index = start; index < text.length; index = TERM.lastIndex) {
    TERM.lastIndex = index;
    const term = TERM.exec(text);
    if (!term) return undefined;
    total += Number(term[1]) * (UNIT_MILLISECONDS[term[2] ?? ""] ?? Number.NaN);
  }
  if (total > MAX_MILLISECONDS) return undefined;
  return negative ? -total : total;
}

/** Milliseconds as protobuf JSON writes a duration: `5s`, `0.500s`, `0.000001s`. */
export function formatDuration(milliseconds: number): `${number}s` {
  const nanoseconds = BigInt(Math.round(milliseconds * 1e6));
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (magnitude % 1_000_000_000n)
    .toString()
    .padStart(9, "0")
    .replace(/(000){1,3}$/, "");
  return `${nanoseconds < 0n ? "-" : ""}${magnitude / 1_000_000_000n}${fraction ? `.${fraction}` : ""}s` as `${number}s`;
}
