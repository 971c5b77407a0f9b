/**
 * Whether a text is an expression of CEL, by grammar only: what it names and of which types is up to the proxy.
 * Source: CEL language definition, "Syntax".
 */
const TOKEN =
  /\s*(?:\/\/[^\n]*\n\s*)*((?:[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|0x[0-9a-fA-F]+u?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?u?|[A-Za-z_]\w*|&&|\|\||[<>=!]=|[-+*/%<>!?:.,()[\]{}])/y;

type Tokens = { readonly list: readonly string[]; index: number };

/** What is wrong with the expression; undefined when its grammar is right. */
export function expressionFault(text: string): string | undefined {
  const list: string[] = [];
  const end = text.trimEnd().length;
  for (let index = 0; index < end; index = TOKEN.lastIndex) {
    TOKEN.lastIndex = index;
    const match = TOKEN.exec(text);
    if (match === null)
      return `not a CEL expression: unexpected ${JSON.stringify(text.slice(index, index + 16).trim())}`;
    list.push(match[1] ?? "");
  }
  if (depthOf(list) > MAX_DEPTH) return `not a CEL expression: nested deeper than ${MAX_DEPTH} levels`;
  const tokens = { list, index: 0 };
  const fine = ternary(tokens) && tokens.index === list.length;
  if (fine) return undefined;
  const found = list[tokens.index];
  return `not a CEL expression: ${found === undefined ? "it ends too early" : `unexpected ${JSON.stringify(found)}`}`;
}

/** Far above what CEL implementations take. */
const MAX_DEPTH = 100;

function depthOf(list: readonly string[]): number {
  let depth = 0;
  let deepest = 0;
  for (const token of list) {
    if ("([{?".includes(token)) deepest = Math.max(deepest, ++depth);
    else if (")]}".includes(token)) depth--;
  }
  return deepest;
}

function take(tokens: Tokens, ...wanted: readonly string[]): boolean {
  if (!wanted.includes(tokens.list[tokens.index] ?? "")) return false;
  tokens.index++;
  return true;
}

function ternary(tokens: Tokens): boolean {
  if (!binary(tokens, 0)) return false;
  return !take(tokens, "?") || (binary(tokens, 0) && take(tokens, ":") && ternary(tokens));
}

const LEVELS = [["||"], ["&&"], ["<", "<=", ">", ">=", "==", "!=", "in"], ["+", "-"], ["*", "/", "%"]];

function binary(tokens: Tokens, level: number): boolean {
  const operators = LEVELS[level];
  if (operators === undefined) return unary(tokens);
  if (!binary(tokens, level + 1)) return false;
  while (take(tokens, ...operators)) if (!binary(tokens, level + 1)) return false;
  return true;
}

function unary(tokens: Tokens): boolean {
  while (take(tokens, "!", "-"));
  if (!primary(tokens)) return false;
  for (;;)
    if (take(tokens, ".")) {
      if (!identifier(tokens)) return false;
      if (take(tokens, "(") && !items(tokens, ")", ternary)) return false;
    } else if (take(tokens, "[")) {
      if (!ternary(tokens) || !take(tokens, "]")) return false;
    } else if (take(tokens, "{")) {
      if (!items(tokens, "}", entry)) return false;
    } else return true;
}

function primary(tokens: Tokens): boolean {
  if (take(tokens, "(")) return ternary(tokens) && take(tokens, ")");
  if (take(tokens, "[")) return items(tokens, "]", ternary);
  if (take(tokens, "{")) return items(tokens, "}", entry);
  take(tokens, ".");
  const token = tokens.list[tokens.index] ?? "";
  if (identifier(tokens)) return !take(tokens, "(") || items(tokens, ")", ternary);
  if (!/^([rRbB]{0,2}["']|\d|\.\d)/.test(token)) return false;
  tokens.index++;
  return true;
}

function identifier(tokens: Tokens): boolean {
  const token = tokens.list[tokens.index] ?? "";
  if (!/^[A-Za-z_]\w*$/.test(token) || token === "in") return false;
  tokens.index++;
  return true;
}

function entry(tokens: Tokens): boolean {
  return ternary(tokens) && take(tokens, ":") && ternary(tokens);
}

/** Items divided by commas (one more at the end is allowed), up to and with `close`. */
function items(tokens: Tokens, close: string, item: (tokens: Tokens) => boolean): boolean {
  while (!take(tokens, close)) {
    if (!item(tokens)) return false;
    if (!take(tokens, ",")) return take(tokens, close);
  }
  return true;
}
