import { type Diagnostic, objectKey } from "@fairlead/model";
import type { ConfigObject } from "../object.ts";
import { refOf } from "../object.ts";
import { toKubernetes } from "../print.ts";
import { validateDocument } from "../validation/validate.ts";

/** What etcd holds of one object: its JSON under `objects/`, its status under `status/`, each with the revision that wrote it. */
export interface Entry {
  readonly objects?: Part;
  readonly status?: Part;
}

export interface Part {
  /** Revision of etcd that wrote or deleted it. */
  readonly revision: number;
  /** Undefined where it was deleted. */
  readonly text: string | undefined;
}

export type PartName = "objects" | "status";

/** `objects/Kind/namespace/name` or `status/…`, below the prefix; undefined for a key that is neither. */
export function readKey(key: string): { readonly part: PartName; readonly objectKey: string } | undefined {
  const match = /^(objects|status)\/([^/]+\/[^/]*\/[^/]+)$/.exec(key);
  return match ? { part: match[1] as PartName, objectKey: match[2] as string } : undefined;
}

/** The object that an entry holds, or what is wrong with it. */
export function readEntry(
  key: string,
  entry: Entry,
): { readonly object: ConfigObject | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const fail = (message: string) => ({
    object: undefined,
    diagnostics: [{ code: "unreadable-entry", severity: "error" as const, path: "", message: `${key}: ${message}` }],
  });
  let document: unknown;
  let status: unknown;
  try {
    document = JSON.parse(entry.objects?.text ?? "null");
    status = entry.status?.text === undefined ? undefined : JSON.parse(entry.status.text);
  } catch (error) {
    return fail((error as Error).message);
  }
  const { object, diagnostics } = validateDocument(document);
  if (object && objectKey(refOf(object)) !== key) return fail(`holds ${objectKey(refOf(object))}`);
  return { object: object && (status === undefined ? object : { ...object, status }), diagnostics };
}

/** An object as it is written: without its status and what etcd counts itself. */
export function printEntry(object: ConfigObject): string {
  const { resourceVersion: _version, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  return JSON.stringify(toKubernetes({ ...rest, metadata } as ConfigObject));
}
