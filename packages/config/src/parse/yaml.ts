import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
} from "yaml";
import type { PathSegment } from "../common/path.ts";

/**
 * YAML as Kubernetes reads it (sigs.k8s.io/yaml, that is Go's yaml.v2): the core schema plus YAML 1.1's booleans,
 * octal `0644` and merge keys.
 */
const BOOLEAN: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:bool",
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:y|on)/i.test(text),
};

const OCTAL: ScalarTag = {
  identify: () => false,
  default: true,
  tag: "tag:yaml.org,2002:int",
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};

export const kubernetesTags = (tags: Tags): Tags => [BOOLEAN, OCTAL, ...tags];

export type DuplicateKeys = "error" | "last";

/** Syntax trees of a text, usually one. Errors are in each document's `errors`. */
export function parseYaml(text: string, duplicateKeys: DuplicateKeys): readonly Document[] {
  const documents = parseAllDocuments(text, {
    schema: "core",
    customTags: kubernetesTags,
    merge: true,
    uniqueKeys: duplicateKeys === "error",
    prettyErrors: false,
    logLevel: "silent",
  });
  return documents.length === undefined ? [] : (documents as Document[]);
}

/** The JSON name of a protobuf field. */
function jsonName(protoName: string): string {
  return protoName.replace(/_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The offset in the text of the field at `path`, or of the nearest ancestor there is; undefined for an empty document. */
export function offsetOf(document: Document, path: readonly PathSegment[]): number | undefined {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0];
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      // The last of several equal keys is the one that counts.
      const keyOf = (key: unknown) => String(isScalar(key) ? key.value : key);
      const pair =
        node.items.findLast(({ key }) => keyOf(key) === String(segment)) ??
        node.items.findLast(({ key }) => jsonName(keyOf(key)) === segment);
      if (pair === undefined) return offset;
      offset = (pair.key as Node | null)?.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof segment === "number") {
      const item = node.items[segment] as Node | undefined;
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return offset;
  }
  return offset;
}
