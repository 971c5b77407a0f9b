/**
 * JSON.parse that refuses an object with one key twice: two readers of such a document may see two different things.
 * `fail` is called with the reason.
 */
export function parseJson(text: string, fail: (why: string) => never): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(`not JSON: ${(error as Error).message}`);
  }
  const repeated = repeatedKey(text);
  return repeated === undefined ? value : fail(`the key ${JSON.stringify(repeated)} is there twice`);
}

/** The first repeated key of text that is known to be JSON: one pass over its strings and brackets. */
function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/gs;
  const colon = /\s*:/y;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [found] = match;
    if (found === "{") open.push(new Set());
    else if (found === "[") open.push(undefined);
    else if (found === "}" || found === "]") open.pop();
    else {
      const keys = open.at(-1);
      colon.lastIndex = token.lastIndex;
      if (keys === undefined || !colon.test(text)) continue;
      const key = JSON.parse(found) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
