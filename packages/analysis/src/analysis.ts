import type { MeshConfig, MeshNetworks, ParsedDocument } from "@fairlead/config";
import { Derivations, type Hold, shardOf } from "@fairlead/mesh";
import type { Diagnostic } from "@fairlead/model";
import { defaultGateway } from "./default-gateway.ts";
import { type FindingChange, FindingList } from "./finding-list.ts";
import { Holdings } from "./holdings.ts";
import { groupFindings } from "./judge.ts";
import { Objects, type ResourceChange } from "./objects.ts";
import type { Resource } from "./resource.ts";
import { BY_ID, BY_KIND, type ResourceIndex } from "./resource-index.ts";
import { meshNetworksResource } from "./rules/mesh-networks.ts";
import { RULES } from "./rules.ts";
import type { Suppression } from "./suppression.ts";
import type { Derived, Lists } from "./world.ts";

export interface AnalyzeOptions {
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  /** Default: {@link RULES}, all of them. */
  readonly rules?: typeof RULES;
  readonly suppress?: readonly Suppression[];
  /** Whether the ingress gateway that an installation brings is taken as there. Default true. */
  readonly defaultGateway?: boolean;
}

/** Resources are judged in groups, so that finding what an update changed does not ask each of them. */
const BY_GROUP: ResourceIndex = { name: "group", keys: ({ id }) => [groupOf(id)] };

function groupOf(id: string): string {
  return String(shardOf(id));
}

/** Values that nobody needs are dropped when there are this many times as many values as after the last time. */
const SLACK = 2;

/**
 * Objects together, as `parseDocuments` of `@fairlead/config` reads them, and what is right alone and wrong in company, while they
 * change. An update costs what depends on the objects that it changes: a resource is judged again only if it, or something that its
 * rules looked at, is not what it was. Nothing is to be closed.
 */
export class Analysis {
  readonly #holdings = new Holdings();
  readonly #findings = new FindingList();
  readonly #byGroup = new Map<string, readonly Diagnostic[]>();
  readonly #derivations: Derivations<Lists, undefined, Objects>;
  readonly #group: Derived<string, readonly Diagnostic[]>;
  readonly #hold: Hold = { cells: new Set() };
  #valuesAfterCollection = 1000;

  constructor(options: AnalyzeOptions = {}) {
    const { meshConfig = {}, meshNetworks = {}, rules = RULES, suppress = [] } = options;
    const indexes = [BY_ID, BY_KIND, BY_GROUP, ...rules.flatMap((rule) => rule.indexes ?? [])];
    const root = meshConfig.rootNamespace || "istio-system";
    const brought =
      (options.defaultGateway ?? true) && meshConfig.ingressControllerMode !== "OFF"
        ? defaultGateway(root, meshConfig.ingressService || "istio-ingressgateway")
        : [];
    const given: readonly Resource[] = [meshNetworksResource(root)];
    const objects = Objects.empty({ meshConfig, meshNetworks }, indexes);
    this.#derivations = new Derivations(objects.with(given.map((after) => ({ before: undefined, after }))));
    this.#group = groupFindings(BY_GROUP, rules, suppress);
    for (const { id } of given) this.#byGroup.set(groupOf(id), []);
    // The first part: whoever gives objects of these names has the later ones.
    this.update([["", brought]]);
  }

  /**
   * Puts documents in the place of those that came as the same part (a file, an object: any name but the empty one) before; no
   * documents take the part away. Of two objects with one name that of the part which was named later is in force.
   *
   * @returns what is found now and was not before, and the other way round; a finding that only moved to another line is in both.
   */
  update(parts: Iterable<readonly [part: string, documents: Iterable<ParsedDocument>]>): FindingChange {
    const { resources, unknownBefore, unknownAfter } = this.#holdings.replace(parts);
    const [before, after] = [[...unknownBefore], [...unknownAfter]];
    this.#advance(resources, before, after);
    return this.#findings.exchange(before, after);
  }

  /** All that is found: the gravest first, then by code, object and field. */
  get findings(): readonly Diagnostic[] {
    return this.#findings.all;
  }

  #advance(changes: readonly ResourceChange[], before: Diagnostic[], after: Diagnostic[]): void {
    this.#derivations.advance(this.#derivations.mesh.with(changes));
    for (const { after: resource } of changes) {
      const group = resource && groupOf(resource.id);
      if (group !== undefined && !this.#byGroup.has(group)) this.#byGroup.set(group, []);
    }
    for (const [group, old] of this.#byGroup) {
      const now = this.#derivations.ask(this.#group, group, undefined, this.#hold);
      if (now === old) continue;
      this.#byGroup.set(group, now);
      before.push(...old);
      after.push(...now);
    }
    this.#collect();
  }

  #collect(): void {
    if (this.#derivations.statistics.values < SLACK * this.#valuesAfterCollection) return;
    this.#derivations.collect([this.#hold]);
    this.#valuesAfterCollection = this.#derivations.statistics.values;
  }
}
