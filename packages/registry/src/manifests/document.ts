import type { ParsedDocument } from "@fairlead/config";
import type { Position } from "@fairlead/model";
import type { KubernetesObject } from "./object.ts";

/** An object as it is, or as `@fairlead/config` read it from a text (its stores offer these as `documents`). */
export type ManifestDocument = KubernetesObject | ParsedDocument;

/** The object itself, in the namespace that the text's reader gave it. */
export function objectOf(document: ManifestDocument | undefined): KubernetesObject | undefined {
  if (!isParsed(document)) return document;
  const object = document.value as KubernetesObject;
  const { metadata } = object;
  if (typeof metadata !== "object" || metadata === null || metadata.namespace || document.namespace === "")
    return object;
  return { ...object, metadata: { ...metadata, namespace: document.namespace } };
}

/** Where a field is written, when the object was read from a text. */
export function locateIn(document: ManifestDocument | undefined, path: string): Position | undefined {
  return isParsed(document) ? document.locate(path) : undefined;
}

function isParsed(document: ManifestDocument | undefined): document is ParsedDocument {
  return typeof document === "object" && document !== null && typeof document.locate === "function";
}
