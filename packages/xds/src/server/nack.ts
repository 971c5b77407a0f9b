import type { EncodedResource } from "../encoded-resource.ts";

/** Envoy: `Error adding/updating listener(s) NAME: reason`, more of them after a comma or a line break. */
const ADDING = /^Error adding\/updating [^:]*?\(s\) /;

/**
 * The resources of a response that a rejection speaks of. First by Envoy's list for clusters and listeners, then by any name
 * that stands alone in the text; names that are a number (route configurations of a port) only count where a list names them.
 */
export function rejectedResources(message: string, sent: readonly EncodedResource[]): readonly EncodedResource[] {
  const list = message.replace(ADDING, "\n");
  if (list !== message) {
    const named = sent.filter(
      ({ name }) => list.includes(`\n${name}: `) || list.includes(`, ${name}: `) || list.includes(`; ${name}: `),
    );
    if (named.length > 0) return named;
  }
  return sent.filter(({ name }) => !/^\d*$/.test(name) && standsAlone(message, name));
}

const NAME_CHARACTER = /[\w.|~-]/;

function standsAlone(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const before = text[at - 1];
    const after = text[at + name.length];
    const next = text[at + name.length + 1];
    const endsSentence = after === "." && (next === undefined || next === " " || next === "\n");
    if (
      (before === undefined || !NAME_CHARACTER.test(before)) &&
      (after === undefined || endsSentence || !NAME_CHARACTER.test(after))
    )
      return true;
  }
  return false;
}
