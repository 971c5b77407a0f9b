import type { AuthorizationRule } from "@fairlead/config";

type Lists = Readonly<Record<string, readonly string[] | undefined>>;

/** Whether every request that the second rule is about is one of the first's. Sound: no is also said where it is not clear. */
export function ruleCovers(wide: AuthorizationRule, narrow: AuthorizationRule): boolean {
  const sources = (rule: AuthorizationRule) => (rule.from ?? []).map(({ source = {} }) => source as Lists);
  const operations = (rule: AuthorizationRule) => (rule.to ?? []).map(({ operation = {} }) => operation as Lists);
  return (
    anyCovers(sources(wide), sources(narrow)) &&
    anyCovers(operations(wide), operations(narrow)) &&
    (wide.when ?? []).every((one) =>
      (narrow.when ?? []).some(
        (other) =>
          other.key === one.key &&
          (!one.values?.length ||
            (!!other.values?.length &&
              other.values.every((value) => one.values?.some((text) => textCovers(text, value))))) &&
          (one.notValues ?? []).every((value) => other.notValues?.includes(value)),
      ),
    )
  );
}

function anyCovers(wide: readonly Lists[], narrow: readonly Lists[]): boolean {
  if (wide.length === 0) return true;
  return narrow.length > 0 && narrow.every((one) => wide.some((other) => listsCover(other, one)));
}

function listsCover(wide: Lists, narrow: Lists): boolean {
  return Object.entries(wide).every(([field, values = []]) => {
    if (values.length === 0) return true;
    const others = narrow[field] ?? [];
    if (field.startsWith("not")) return values.every((value) => others.includes(value));
    return others.length > 0 && others.every((other) => values.some((value) => textCovers(value, other)));
  });
}

/** `*` alone, before or after a text, as policies have it. */
function textCovers(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  if (wide === "*") return narrow !== "";
  if (narrow.includes("*") && !(wide.endsWith("*") && narrow.endsWith("*"))) return false;
  if (wide.endsWith("*")) return narrow.startsWith(wide.slice(0, -1));
  return wide.startsWith("*") && narrow.endsWith(wide.slice(1));
}
