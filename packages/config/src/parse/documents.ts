import type { Diagnostic, Position } from "@fairlead/model";
import type { Document } from "yaml";
import { formatPath, type PathSegment, parsePath } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import { unservedGatewayApi } from "../gateway-api/kinds.ts";
import { validateGatewayApi } from "../gateway-api/validate.ts";
import { kindOf } from "../kinds.ts";
import type { ConfigObject } from "../object.ts";
import { unknownKindMessage, type ValidateOptions, validateDocument } from "../validation/validate.ts";
import { isClusterScoped, isForeignKind } from "./foreign-kinds.ts";
import { findHostile } from "./hostile.ts";
import { lineStarts, positionIn } from "./line-index.ts";
import { splitDocuments, type TextDocument } from "./split.ts";
import { type DuplicateKeys, offsetOf, parseYaml, readTree, type YamlTree } from "./yaml.ts";

export interface ParseOptions extends Pick<ValidateOptions, "envoy"> {
  /** Named in positions. */
  readonly file: string;
  /** For namespaced documents without a namespace. Default: `default`, as kubectl has it. */
  readonly defaultNamespace?: string;
  /** `error` (default), or `last`: the last of several equal keys counts, as Istio reads it. */
  readonly duplicateKeys?: DuplicateKeys;
  /** Longest document taken, in characters. Default: 64 Mi. */
  readonly maxDocumentLength?: number;
}

/** One Kubernetes object of a text: of a configuration kind (then typed), or of any other kind (then as it is). */
export interface ParsedDocument {
  readonly file: string;
  /** Line on which it begins, from 1. */
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** With the default applied; empty for kinds that are known to be cluster-scoped. */
  readonly namespace: string;
  /** The document as JSON. Not to be changed. */
  readonly value: Readonly<Record<string, unknown>>;
  /** The typed object, when it is of a configuration kind and valid. */
  readonly object: ConfigObject | undefined;
  /** What was found out about it, with positions. */
  readonly diagnostics: readonly Diagnostic[];
  /** Where a field is (`spec.http[0]`), or the nearest ancestor that is written down. Reads the text again on demand. */
  locate(path: string): Position | undefined;
}

export interface ParseResult {
  readonly documents: readonly ParsedDocument[];
  /** All that was found out: about the text, and about each document. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads Kubernetes documents from YAML (several, with anchors) or JSON; expands `List` objects. Never throws: what
 * cannot be read gives diagnostics, and the rest of the text is read all the same.
 */
export function parseDocuments(text: string, options: ParseOptions): ParseResult {
  const documents: ParsedDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const part of splitDocuments(text)) {
    const result = parsePart(part, options);
    // One by one: a list can be longer than a call takes arguments.
    for (const document of result.documents) documents.push(document);
    for (const diagnostic of result.diagnostics) diagnostics.push(diagnostic);
  }
  return { documents, diagnostics };
}

/** Like {@link parseDocuments}, a document at a time, giving way to other work at least every `sliceMilliseconds` (10). */
export async function* streamDocuments(
  text: string,
  options: ParseOptions & { readonly sliceMilliseconds?: number; readonly now?: () => number },
): AsyncGenerator<ParseResult> {
  const { sliceMilliseconds = 10, now = () => performance.now() } = options;
  let sliceEnd = now() + sliceMilliseconds;
  for (const part of splitDocuments(text)) {
    yield parsePart(part, options);
    if (now() < sliceEnd) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    sliceEnd = now() + sliceMilliseconds;
  }
}

function parsePart(part: TextDocument, options: ParseOptions): ParseResult {
  const { file, duplicateKeys = "error", maxDocumentLength = 64 * 1024 * 1024 } = options;
  const diagnostics: Diagnostic[] = [];
  const documents: ParsedDocument[] = [];
  let starts: readonly number[] | undefined = lineStarts(part.text);
  const positionAt = (offset: number) => positionIn(file, starts ?? lineStarts(part.text), offset, part.line);
  const fault = (code: string, message: string, offset = 0, path = "") =>
    diagnostics.push({ code, severity: "error", message, path, position: positionAt(offset) });

  if (part.text.length > maxDocumentLength) {
    fault("too-large", `the document has ${part.text.length} characters, the limit is ${maxDocumentLength}`);
    return { documents, diagnostics };
  }
  // Held (like the starts of lines) while this text is read, and made again when a position is asked for later, so that objects held for long do
  // not hold it. (No WeakRef to begin with: it would keep every tree of a long synchronous reading until its end.)
  let trees: readonly YamlTree[] | undefined = parseYaml(part.text, duplicateKeys);
  let again: WeakRef<readonly YamlTree[]> | undefined;
  const treeAt = (index: number): Document | undefined => {
    const all = trees ?? again?.deref() ?? parseYaml(part.text, duplicateKeys);
    if (trees === undefined) again = new WeakRef(all);
    return all[index]?.document;
  };

  for (const [index, tree] of trees.entries()) {
    for (const { code, message, offset } of tree.faults) fault(code, message, offset);
    if (tree.faults.length > 0) continue;
    const read = readTree(tree);
    if ("fault" in read) {
      fault(read.fault.code, read.fault.message, read.fault.offset);
      continue;
    }
    if (read.value === null || read.value === undefined) continue;
    const hostile = findHostile(read.value);
    if (hostile) {
      fault(hostile.code, hostile.message, offsetOf(tree.document, hostile.path), formatPath(hostile.path));
      continue;
    }
    for (const { value, path } of expandLists(read.value, [])) {
      const result = readDocument(value, options, (segments) => {
        const found = treeAt(index);
        const offset = found && offsetOf(found, [...path, ...segments]);
        return offset === undefined ? undefined : positionAt(offset);
      });
      diagnostics.push(...result.diagnostics);
      if (result.document) documents.push(result.document);
    }
  }
  trees = undefined;
  starts = undefined;
  return { documents, diagnostics };
}

function expandLists(value: unknown, path: readonly PathSegment[]): { value: unknown; path: readonly PathSegment[] }[] {
  if (!isRecord(value) || typeof value.kind !== "string" || !Array.isArray(value.items)) return [{ value, path }];
  if (value.kind !== "List" && !(value.kind.endsWith("List") && value.spec === undefined)) return [{ value, path }];
  const { apiVersion, kind, items } = value;
  return items.flatMap((item: unknown, index) => {
    // A typed list (`VirtualServiceList`) may leave out what the list already says.
    const filled =
      kind !== "List" && isRecord(item) ? { apiVersion, kind: kind.slice(0, -"List".length), ...item } : item;
    return expandLists(filled, [...path, "items", index]);
  });
}

/** An object that comes from no text, as a document without places; undefined for what is no Kubernetes object. */
export function objectDocument(value: unknown): ParsedDocument | undefined {
  return readDocument(value, { file: "" }, () => undefined).document;
}

function readDocument(
  value: unknown,
  { file, defaultNamespace = "default", envoy }: ParseOptions,
  locateSegments: (path: readonly PathSegment[]) => Position | undefined,
): { document: ParsedDocument | undefined; diagnostics: readonly Diagnostic[] } {
  const locate = (path: string) => locateSegments(parsePath(path) ?? []);
  const withPosition = (diagnostic: Diagnostic): Diagnostic => {
    const position = locate(diagnostic.path);
    return position ? { ...diagnostic, position } : diagnostic;
  };
  const apiVersion = isRecord(value) && typeof value.apiVersion === "string" ? value.apiVersion : "";
  const kind = isRecord(value) && typeof value.kind === "string" ? value.kind : "";
  if (!isRecord(value) || apiVersion === "" || kind === "")
    return { document: undefined, diagnostics: validateDocument(value).diagnostics.map(withPosition) };

  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const name = typeof metadata.name === "string" ? metadata.name : "";
  const ownNamespace = typeof metadata.namespace === "string" ? metadata.namespace : "";
  const namespace = isClusterScoped(apiVersion, kind) ? "" : ownNamespace || defaultNamespace;
  const base = { file, line: locateSegments([])?.line ?? 1, apiVersion, kind, name, namespace, value, locate };

  if (kindOf(apiVersion, kind) !== undefined) {
    const { object, diagnostics } = validateDocument(value, { defaultNamespace, ...(envoy && { envoy }) });
    const placed = diagnostics.map(withPosition);
    return { document: { ...base, object, diagnostics: placed }, diagnostics: placed };
  }
  const ofGatewayApi = validateGatewayApi(value, defaultNamespace);
  if (ofGatewayApi) {
    const placed = ofGatewayApi.diagnostics.map(withPosition);
    return { document: { ...base, object: undefined, diagnostics: placed }, diagnostics: placed };
  }
  const diagnostics: Diagnostic[] = [];
  const unserved = unservedGatewayApi(apiVersion, kind);
  if (unserved) {
    const object = { kind, namespace, name };
    diagnostics.push(
      withPosition({ code: "unknown-kind", severity: "warning", message: unserved, path: "apiVersion", object }),
    );
  } else if (!isForeignKind(apiVersion)) {
    const ours = /\.istio\.io\//.test(apiVersion);
    diagnostics.push(
      withPosition({
        code: "unknown-kind",
        severity: ours ? "error" : "warning",
        message: unknownKindMessage(apiVersion, kind),
        path: "kind",
        object: { kind, namespace, name },
      }),
    );
  }
  return { document: { ...base, object: undefined, diagnostics }, diagnostics };
}
