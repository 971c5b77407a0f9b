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
  visit,
} from "yaml";
import type { PathSegment } from "../common/path.ts";
import { MAX_DEPTH } from "./hostile.ts";

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

/** What is wrong in a text, by code: `yaml-syntax`, `duplicate-key`, `too-deep`. */
export interface YamlFault {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

export interface YamlTree {
  readonly document: Document;
  /** Empty when the document can be read. */
  readonly faults: readonly YamlFault[];
}

/** More than these say nothing new about one document. */
const MAX_FAULTS = 20;

/** Syntax trees of a text, usually one. */
export function parseYaml(text: string, duplicateKeys: DuplicateKeys): readonly YamlTree[] {
  const documents = parseAllDocuments(text, {
    schema: "core",
    customTags: kubernetesTags,
    merge: true,
    // Looked for below: the library compares every key with every other.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  return [...documents].map((document) => ({
    document: document as Document,
    faults: faultsOf(document as Document, duplicateKeys),
  }));
}

function faultsOf(document: Document, duplicateKeys: DuplicateKeys): readonly YamlFault[] {
  const { errors } = document;
  const exhausted = errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (exhausted)
    return [{ code: "too-deep", message: `nested deeper than ${MAX_DEPTH} levels`, offset: exhausted.pos[0] }];
  if (errors.length > 0)
    return errors.slice(0, MAX_FAULTS).map(({ message, pos }) => ({ code: "yaml-syntax", message, offset: pos[0] }));
  if (duplicateKeys === "last") return [];
  const faults: YamlFault[] = [];
  try {
    visit(document, {
      Map(_, { items }) {
        const keys = new Set<string>();
        for (const { key } of items) {
          const name = String(isScalar(key) ? key.value : key);
          const offset = (key as Node | null)?.range?.[0] ?? 0;
          if (keys.has(name))
            faults.push({ code: "duplicate-key", message: `the key ${name} is already there`, offset });
          keys.add(name);
        }
        return faults.length < MAX_FAULTS ? undefined : visit.BREAK;
      },
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ code: "too-deep", message: `nested deeper than ${MAX_DEPTH} levels`, offset: 0 }];
  }
  return faults.slice(0, MAX_FAULTS);
}

/** The document as JSON, or what keeps it from being read. */
export function readTree({ document }: YamlTree): { readonly value: unknown } | { readonly fault: YamlFault } {
  const offset = document.contents?.range?.[0] ?? 0;
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown };
  } catch (error) {
    if (error instanceof RangeError)
      return { fault: { code: "too-deep", message: `nested deeper than ${MAX_DEPTH} levels`, offset } };
    return {
      fault: { code: "too-many-aliases", message: error instanceof Error ? error.message : String(error), offset },
    };
  }
}

/** How often anchors may be expanded, those in anchors multiplied. */
const MAX_ALIASES = 10_000;

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
