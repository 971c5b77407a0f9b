import type { JsonPatchOperation } from "../client.ts";

/** A JSON merge patch (RFC 7386). */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch))
    if (value === null) delete result[key];
    else result[key] = applyMergePatch(result[key], value);
  return result;
}

/** A JSON patch (RFC 6902) on a copy; throws when a path is missing or a test fails. */
export function applyJsonPatch(target: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const document = { root: structuredClone(target) };
  for (const operation of operations) {
    switch (operation.op) {
      case "add":
        put(document, operation.path, operation.value, true);
        break;
      case "replace":
        read(document, operation.path);
        put(document, operation.path, operation.value, false);
        break;
      case "remove":
        remove(document, operation.path);
        break;
      case "test":
        if (JSON.stringify(read(document, operation.path)) !== JSON.stringify(operation.value))
          throw new RangeError(`the test of ${operation.path} failed`);
        break;
      default: {
        const value = structuredClone(read(document, operation.from));
        if (operation.op === "move") remove(document, operation.from);
        put(document, operation.path, value, true);
      }
    }
  }
  return document.root;
}

type Node = Record<string, unknown>;

function place(document: object, path: string): { parent: Node; key: string } {
  const segments = ["root", ...path.split("/").slice(1)].map((part) =>
    part.replaceAll("~1", "/").replaceAll("~0", "~"),
  );
  const key = segments.pop() ?? "";
  let parent: unknown = document;
  for (const segment of segments) parent = (parent as Node | undefined)?.[segment];
  if (typeof parent !== "object" || parent === null) throw new RangeError(`${path} has no parent`);
  return { parent: parent as Node, key };
}

function read(document: object, path: string): unknown {
  const { parent, key } = place(document, path);
  if (!Object.hasOwn(parent, key)) throw new RangeError(`${path} is missing`);
  return parent[key];
}

function put(document: object, path: string, value: unknown, insert: boolean): void {
  const { parent, key } = place(document, path);
  if (Array.isArray(parent) && insert) parent.splice(key === "-" ? parent.length : Number(key), 0, value);
  else parent[key] = value;
}

function remove(document: object, path: string): void {
  read(document, path);
  const { parent, key } = place(document, path);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
