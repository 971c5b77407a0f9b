import type { Labels, ObjectRef } from "@fairlead/model";
import type { KindName, SpecOf } from "./kinds.ts";

/** Kubernetes metadata, as far as it is used. */
export interface ObjectMeta {
  readonly name: string;
  /** Empty where the source gave none and no default was set. */
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339. Where several objects compete, the oldest wins. */
  readonly creationTimestamp?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly uid?: string;
}

/** One configuration object. Positions in a file live beside it (see `ConfigStore.locate`), not in it. */
export interface ConfigObject<Kind extends KindName = KindName> {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
  readonly spec: SpecOf<Kind>;
  /** As the API server reported it; a ServiceEntry's `addresses` are its allocated ones. */
  readonly status?: unknown;
}

/** A configuration object of some kind, discriminated by `kind`. */
export type AnyConfigObject = { readonly [Kind in KindName]: ConfigObject<Kind> }[KindName];

/** Whether the object is of this kind; narrows its spec. */
export function isKind<Kind extends KindName>(object: ConfigObject, kind: Kind): object is ConfigObject<Kind> {
  return object.kind === kind;
}

/** The reference other packages name this object by. */
export function refOf(object: ConfigObject): ObjectRef {
  return { kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name };
}
