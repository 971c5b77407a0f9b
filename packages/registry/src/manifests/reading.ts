import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { Field } from "./field.ts";
import { type KubernetesObject, objectNamespace } from "./object.ts";

/** One object while it is converted: its fields, and what is to be said about them. */
export interface Reading {
  readonly ref: ObjectRef;
  readonly name: string;
  readonly namespace: string;
  readonly root: Field;
  readonly diagnostics: readonly Diagnostic[];
  report(diagnostic: Omit<Diagnostic, "object">): void;
  /** A field that is understood and has an effect upstream, but none here. */
  unsupported(path: string, message: string): void;
}

/** Opens an object for conversion. A field of the wrong shape is reported once and read as absent. */
export function readObject(object: KubernetesObject): Reading {
  const diagnostics: Diagnostic[] = [];
  const namespace = objectNamespace(object);
  const ref = { kind: object.kind, namespace, name: object.metadata.name };
  const report = (diagnostic: Omit<Diagnostic, "object">) => {
    if (!diagnostics.some(({ code, path }) => code === diagnostic.code && path === diagnostic.path))
      diagnostics.push({ ...diagnostic, object: ref });
  };
  const misfit = (path: string, expected: string) =>
    report({ code: "wrong-type", severity: "error", path, message: `expected ${expected}: the field is left out` });
  return {
    ref,
    name: ref.name,
    namespace,
    root: new Field(object, "", misfit),
    diagnostics,
    report,
    unsupported: (path, message) => report({ code: "unsupported-field", severity: "warning", path, message }),
  };
}
