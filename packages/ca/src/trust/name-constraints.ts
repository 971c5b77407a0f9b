import type { AlternativeName } from "../certificate/alternative-name.ts";
import { atEnd, contents, cursor, DerError, enter, next, peekTag, TAG } from "../der/reader.ts";

interface Subtrees {
  readonly permitted: readonly AlternativeName[];
  readonly excluded: readonly AlternativeName[];
}

const TYPES: Readonly<Record<number, AlternativeName["type"]>> = { 134: "uri", 130: "dns" };

/** Reads a nameConstraints extension (RFC 5280, section 4.2.1.10). */
export function readNameConstraints(value: Uint8Array): Subtrees {
  const from = cursor(value);
  const body = enter(from, TAG.SEQUENCE, "nameConstraints");
  const read = (tag: number): AlternativeName[] => {
    if (peekTag(body) !== tag) return [];
    const list = enter(body, tag, "subtrees");
    const found: AlternativeName[] = [];
    while (!atEnd(list)) {
      if (found.length === 100) throw new DerError("nameConstraints: more than 100 subtrees");
      const subtree = enter(list, TAG.SEQUENCE, "subtree");
      const base = next(subtree);
      if (!atEnd(subtree)) throw new DerError("nameConstraints: minimum or maximum is set");
      found.push({ type: TYPES[base.tag] ?? "other", value: Buffer.from(contents(subtree, base)).toString("latin1") });
    }
    return found;
  };
  const permitted = read(0xa0);
  const excluded = read(0xa1);
  if (!atEnd(body) || !atEnd(from)) throw new DerError("nameConstraints: bytes after it");
  return { permitted, excluded };
}

/** Why the names break the constraints; undefined when they hold. Name types that are not understood break them. */
export function constraintViolation(names: readonly AlternativeName[], constraints: Subtrees): string | undefined {
  const { permitted, excluded } = constraints;
  const all = [...permitted, ...excluded];
  if (all.some(({ type }) => type === "other") && names.some(({ type }) => type !== "uri" && type !== "dns"))
    return "it holds names of a type whose constraints are not understood";
  for (const name of names) {
    const same = (list: readonly AlternativeName[]) => list.filter(({ type }) => type === name.type);
    if (same(excluded).some(({ value }) => covers(value, name))) return `${name.value} is in an excluded subtree`;
    if (same(permitted).length > 0 && !same(permitted).some(({ value }) => covers(value, name)))
      return `${name.value} is in no permitted subtree`;
  }
  return undefined;
}

/** A URI constraint is a host, or with a leading dot the hosts below; a DNS constraint is a domain and all below. */
function covers(base: string, name: AlternativeName): boolean {
  if (name.type === "dns") {
    const host = name.value.toLowerCase();
    const domain = base.toLowerCase();
    return domain === "" || host === domain || host.endsWith(`.${domain}`);
  }
  const host = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(name.value)?.[1]?.toLowerCase() ?? "";
  const domain = base.toLowerCase();
  return domain.startsWith(".") ? host.endsWith(domain) : host === domain;
}
