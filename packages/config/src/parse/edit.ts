import { type Document, isAlias, isScalar, type Node } from "yaml";
import { ConfigError } from "../common/config-error.ts";
import { formatPath, type PathSegment, parsePath } from "../common/path.ts";
import { printDocument } from "../print.ts";
import { splitDocuments, type TextDocument } from "./split.ts";
import { parseYaml } from "./yaml.ts";

export interface TextEdit {
  /** Which document. The namespace counts only where both sides have one. */
  readonly object: { readonly kind: string; readonly name: string; readonly namespace?: string };
  /** Which field, as `spec.http[0].route[0].weight`. */
  readonly path: string;
  /** Its new value; undefined removes the field. */
  readonly value: unknown;
}

/**
 * Changes fields in YAML text and leaves everything else as it is, comments included: a scalar is replaced on its spot;
 * where structure changes, only that document is written anew (its comments are kept, its white space may change).
 * Throws ConfigError `NOT_FOUND` for an object that is not in the text, `UNREADABLE` for a document that cannot be read.
 */
export function editYaml(text: string, edits: readonly TextEdit[]): string {
  let edited = text;
  for (const edit of edits) edited = applyEdit(edited, edit);
  return edited;
}

/** The text without a document; comments inside it go with it. Throws as {@link editYaml} does. */
export function removeFromYaml(text: string, object: TextEdit["object"]): string {
  const { part } = findDocument(text, object);
  return text.slice(0, part.offset) + text.slice(part.offset + part.text.length);
}

function applyEdit(text: string, { object, path, value }: TextEdit): string {
  const segments = parsePath(path);
  if (segments === undefined || segments.length === 0)
    throw new ConfigError("INVALID_PATH", `${path} is no path of a field`);
  const { part, tree } = findDocument(text, object);
  return (
    text.slice(0, part.offset) + editDocument(part, tree, segments, value) + text.slice(part.offset + part.text.length)
  );
}

function findDocument(text: string, object: TextEdit["object"]): { part: TextDocument; tree: Document } {
  for (const part of splitDocuments(text)) {
    const found = parseYaml(part.text, "last").find(({ document }) => matches(document, object));
    if (found === undefined) continue;
    const { document: tree, faults } = found;
    if (faults.length > 0) throw new ConfigError("UNREADABLE", faults.map(({ message }) => message).join("; "));
    return { part, tree };
  }
  throw new ConfigError("NOT_FOUND", `there is no ${object.kind} ${object.name} in the text`);
}

function matches(tree: Document, { kind, name, namespace }: TextEdit["object"]): boolean {
  if (tree.get("kind") !== kind || tree.getIn(["metadata", "name"]) !== name) return false;
  const own = tree.getIn(["metadata", "namespace"]);
  return namespace === undefined || own === undefined || own === namespace;
}

function editDocument(part: TextDocument, tree: Document, path: readonly PathSegment[], value: unknown): string {
  const node = tree.getIn(path, true) as Node | undefined;
  const scalar = typeof value !== "object" || value === null;
  if (
    value !== undefined &&
    scalar &&
    isScalar(node) &&
    node.range &&
    !node.anchor &&
    node.type !== "BLOCK_LITERAL" &&
    node.type !== "BLOCK_FOLDED"
  ) {
    const [start, end] = node.range;
    return part.text.slice(0, start) + printDocument(value).trimEnd() + part.text.slice(end);
  }
  const through = path.findIndex((_, index) => isAlias(tree.getIn(path.slice(0, index + 1), true)));
  if (through >= 0 && through < path.length - 1)
    throw new ConfigError(
      "INVALID_PATH",
      `${formatPath(path.slice(0, through + 1))} is an alias; edit what it stands for`,
    );
  if (value === undefined) tree.deleteIn(path);
  else tree.setIn(path, tree.createNode(value));
  const marker = /^---[^\n]*\n/.exec(part.text)?.[0] ?? "";
  const body = tree.toString({ lineWidth: 0, directives: false });
  return marker + body;
}
