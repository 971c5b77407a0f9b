/** One document of a stream, as text. */
export interface TextDocument {
  readonly text: string;
  /** Offset and line (from 0) of its first character in the stream. */
  readonly offset: number;
  readonly line: number;
}

const MARKER = /^---(?=[\s]|$)/gm;

/**
 * Cuts a YAML stream at its `---` lines, which nothing inside a document can contain at the start of a line. The marker
 * belongs to the document after it; directives (`%YAML`) stay with theirs. Lazy: costs one scan.
 */
export function* splitDocuments(stream: string): Generator<TextDocument> {
  let start = 0;
  let line = 0;
  const marker = new RegExp(MARKER);
  const cut = (end: number): TextDocument => {
    const text = stream.slice(start, end);
    const document = { text, offset: start, line };
    for (let index = text.indexOf("\n"); index >= 0; index = text.indexOf("\n", index + 1)) line++;
    start = end;
    return document;
  };
  for (let match = marker.exec(stream); match; match = marker.exec(stream)) {
    if (match.index === start || isPrologue(stream, start, match.index)) continue;
    const document = cut(match.index);
    if (hasContent(document.text)) yield document;
  }
  const last = cut(stream.length);
  if (hasContent(last.text)) yield last;
}

/** Whether only directives, comments and blank lines stand between `start` and `end`, a directive among them. */
function isPrologue(stream: string, start: number, end: number): boolean {
  const text = stream.slice(start, Math.min(end, start + 4096));
  return text.startsWith("%") && text.split("\n").every((line) => /^\s*(#.*|%.*)?$/.test(line));
}

/** Whether there is more than markers, comments and blank lines. One pass: no pattern that runs over line ends. */
function hasContent(text: string): boolean {
  return /^(?!---[ \t\r]*(#.*)?$)(?!\.\.\.[ \t\r]*$)[ \t\r]*[^\s#]/m.test(text);
}
