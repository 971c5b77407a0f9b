/**
 * What is wrong with a header value that Envoy is to add: control characters, or a `%` that starts no complete
 * `%VARIABLE%` or `%VARIABLE(arguments)%` (a literal one is `%%`). Source: Envoy "Custom request/response headers".
 */
export function headerValueFault(value: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) return "a header value must not have control characters";
  let index = 0;
  while (index < value.length) {
    if (value[index] !== "%") index++;
    else if (value[index + 1] === "%") index += 2;
    else {
      const end = variableEnd(value, index + 1);
      if (end === undefined)
        return `${JSON.stringify(value)} has a % that starts no complete %VARIABLE%; write %% for %`;
      index = end;
    }
  }
  return undefined;
}

/** The index after the closing `%` of a variable whose name starts at `start`. */
function variableEnd(value: string, start: number): number | undefined {
  if (start >= value.length) return undefined;
  let index = start;
  while (index < value.length && value[index] !== "%" && value[index] !== "(") index++;
  if (value[index] === "%") return index + 1;
  if (value[index] !== "(") return undefined;
  index = skipSpaces(value, index + 1);
  const close = value[index] === "[" ? arrayEnd(value, index + 1) : stringEnd(value, index + 1, ")");
  if (close === undefined) return undefined;
  index = skipSpaces(value, close);
  return value[index] === "%" ? index + 1 : undefined;
}

function skipSpaces(value: string, start: number): number {
  let index = start;
  while (value[index] === " ") index++;
  return index;
}

/** The index after the first unescaped `end`. */
function stringEnd(value: string, start: number, end: string): number | undefined {
  for (let index = start; index < value.length; index++)
    if (value[index] === "\\") index++;
    else if (value[index] === end) return index + 1;
  return undefined;
}

/** The index after the `)` that follows an array of JSON strings whose first item starts at `start`. */
function arrayEnd(value: string, start: number): number | undefined {
  let index = start;
  for (;;) {
    index = skipSpaces(value, index);
    if (value[index] !== '"') return undefined;
    const after = stringEnd(value, index + 1, '"');
    if (after === undefined) return undefined;
    index = skipSpaces(value, after);
    if (value[index] === ",") index++;
    else if (value[index] === "]") break;
    else return undefined;
  }
  index = skipSpaces(value, index + 1);
  return value[index] === ")" ? index + 1 : undefined;
}
