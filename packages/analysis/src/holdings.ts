import { kindOf, type ParsedDocument } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import type { ResourceChange } from "./objects.ts";
import { type Resource, resourceOf } from "./resource.ts";

interface Part {
  readonly order: number;
  readonly resources: ReadonlyMap<string, Resource>;
  readonly unknown: readonly Diagnostic[];
}

/** What became of an update: the objects in force before and after, and what the reader said of objects of no known kind. */
export interface HoldingsChange {
  readonly resources: readonly ResourceChange[];
  readonly unknownBefore: readonly Diagnostic[];
  readonly unknownAfter: readonly Diagnostic[];
}

/** Documents by the part that they came in. As in a cluster: of two objects with one name the later is in force. */
export class Holdings {
  readonly #parts = new Map<string, Part>();
  /** Objects of one name, in the order of their parts. */
  readonly #byId = new Map<string, readonly { readonly order: number; readonly resource: Resource }[]>();
  #lastOrder = 0;

  replace(parts: Iterable<readonly [part: string, documents: Iterable<ParsedDocument>]>): HoldingsChange {
    const before = new Map<string, Resource | undefined>();
    const unknownBefore: Diagnostic[] = [];
    const unknownAfter: Diagnostic[] = [];
    for (const [name, documents] of parts) {
      const old = this.#parts.get(name);
      const part = partOf(documents, old?.order ?? ++this.#lastOrder);
      if (part.resources.size === 0 && part.unknown.length === 0) this.#parts.delete(name);
      else this.#parts.set(name, part);
      unknownBefore.push(...(old?.unknown ?? []));
      unknownAfter.push(...part.unknown);
      for (const id of new Set([...(old?.resources.keys() ?? []), ...part.resources.keys()])) {
        if (!before.has(id)) before.set(id, this.#inForce(id));
        const others = (this.#byId.get(id) ?? []).filter(({ order }) => order !== part.order);
        const resource = part.resources.get(id);
        const all = resource ? [...others, { order: part.order, resource }] : others;
        if (all.length === 0) this.#byId.delete(id);
        else this.#byId.set(id, all.length === 1 ? all : all.sort((a, b) => a.order - b.order));
      }
    }
    const resources = [...before].map(([id, was]) => ({ before: was, after: this.#inForce(id) }));
    return { resources: resources.filter((one) => one.before !== one.after), unknownBefore, unknownAfter };
  }

  #inForce(id: string): Resource | undefined {
    return this.#byId.get(id)?.at(-1)?.resource;
  }
}

function partOf(documents: Iterable<ParsedDocument>, order: number): Part {
  const resources = new Map<string, Resource>();
  const unknown: Diagnostic[] = [];
  for (const document of documents) {
    const resource = resourceOf(document);
    resources.set(resource.id, resource);
    if (kindOf(document.apiVersion, document.kind) === undefined) unknown.push(...document.diagnostics);
  }
  return { order, resources, unknown };
}
