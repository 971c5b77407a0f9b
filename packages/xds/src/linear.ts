import { type EncodedResource, encodeResource } from "./encoded-resource.ts";
import { resourceType } from "./resource-type.ts";
import type { ResourceSet, ResourceSource } from "./server/source.ts";
import { XdsError } from "./xds-error.ts";

/** A source of one type that is filled resource by resource; every node sees all of them. */
export interface LinearSource extends ResourceSource {
  readonly typeUrl: string;
  /** The names of what is in it. */
  names(): Iterable<string>;
  /** Puts one resource in or in the place of an equal name. Throws `XdsError` where it is not valid, or not of this name. */
  set(name: string, resource: object): void;
  /** Takes one out. `false`: there was none. */
  delete(name: string): boolean;
  /**
   * Several changes at once, of which streams see all or none; undefined takes out. When one is not valid, nothing changes and an
   * `XdsError` says which.
   */
  update(changes: Readonly<Record<string, object | undefined>>): void;
}

/**
 * Makes a source of one type, after the linear cache of go-control-plane. What is set is encoded then, and once; a resource that is
 * set again as it is wakes nobody.
 */
export function createLinearSource(typeUrl: string): LinearSource {
  const { nameField } = resourceType(typeUrl);
  let set: ResourceSet = { resources: new Map() };
  const streams = new Set<() => void>();
  const encoded = (name: string, json: object): EncodedResource => {
    const stated = (json as Readonly<Record<string, unknown>>)[nameField];
    if (stated !== undefined && stated !== name)
      throw new XdsError("invalid-value", `${JSON.stringify(name)} is not the name ${JSON.stringify(stated)}`, {
        path: nameField,
      });
    return encodeResource(typeUrl, name, json);
  };
  const update = (changes: Readonly<Record<string, object | undefined>>): number => {
    const made = Object.entries(changes).map(([name, json]) => [name, json && encoded(name, json)] as const);
    const news = made.filter(([name, one]) => set.resources.get(name)?.version !== one?.version);
    if (news.length === 0) return 0;
    const resources = new Map(set.resources);
    for (const [name, one] of news)
      if (one) resources.set(name, one);
      else resources.delete(name);
    set = { resources };
    for (const changed of streams) changed();
    return news.length;
  };
  return {
    typeUrl,
    names: () => set.resources.keys(),
    set: (name, resource) => void update({ [name]: resource }),
    delete: (name) => update({ [name]: undefined }) > 0,
    update: (changes) => void update(changes),
    open(_node, _peer, changed) {
      const own = () => changed();
      streams.add(own);
      return {
        get: (asked) => (asked === typeUrl ? set : undefined),
        close: () => void streams.delete(own),
      };
    },
  };
}
