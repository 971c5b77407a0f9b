/** Where two plain values are not the same. `path` is a JSON pointer; an absent value is undefined. */
export interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Protobuf JSON writes 64-bit integers as strings; a number of the same digits is the same value. */
function sameScalar(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  const mixed = (typeof a === "number" && typeof b === "string") || (typeof a === "string" && typeof b === "number");
  return mixed && String(a) === String(b);
}

/** All differences of two plain values, in the order of the expected value's fields. */
export function differences(expected: unknown, actual: unknown, path = ""): Difference[] {
  if (!isObject(expected) || !isObject(actual) || Array.isArray(expected) !== Array.isArray(actual))
    return sameScalar(expected, actual) ? [] : [{ path: path || "/", expected, actual }];
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].flatMap((key) =>
    differences(expected[key], actual[key], `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  );
}

export function formatDifference({ path, expected, actual }: Difference, width = 300): string {
  const text = (value: unknown) => (value === undefined ? "(absent)" : JSON.stringify(value).slice(0, width));
  return `${path}\n    expected ${text(expected)}\n    actual   ${text(actual)}`;
}
