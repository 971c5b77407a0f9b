// Longer than most files: the levels of a listener are patched from the outside in, each by the same rules.
import type { ListenerMatch } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type {
  AnyMessage,
  FilterChain,
  HttpConnectionManager,
  HttpFilter,
  Listener,
  ListenerFilter,
  ListenerListenerFilter,
} from "../../proto/types.ts";
import type { Build, Provenance } from "../generated.ts";
import { VIRTUAL_INBOUND, VIRTUAL_OUTBOUND } from "../names.ts";
import { patchList } from "./list-patch.ts";
import { keepSource, mergeMessage, mergeTyped } from "./merge.ts";
import { inContext, type Patch, type PatchContext, type PatchTarget, patchesOf } from "./patches.ts";

const CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";

/** The listener with the EnvoyFilter patches that match it; undefined when one of them removes it. */
export function patchedListener(
  build: Build,
  listener: Listener,
  context: PatchContext,
  provenance?: Provenance,
): Listener | undefined {
  const patches = patchesOf(build.read).filter((patch) => patch.match.listener !== undefined || !hasOtherMatch(patch));
  if (patches.length === 0) return listener;
  return new ListenerPatcher(build, patches, context, provenance).patch(listener);
}

/** Listeners that patches add. One that names no context is added once for a proxy: to what goes out. */
export function addedListeners(read: Reader, contexts: readonly PatchContext[]): readonly Patch[] {
  return patchesOf(read).filter(
    ({ target, operation, match, value }) =>
      target === "LISTENER" &&
      operation === "ADD" &&
      Boolean(value.name) &&
      (!match.context || match.context === "ANY" || contexts.some((context) => context === match.context)),
  );
}

function hasOtherMatch({ match }: Patch): boolean {
  return match.cluster !== undefined || match.routeConfiguration !== undefined || match.waypoint !== undefined;
}

type Named = { name?: string; typedConfig?: AnyMessage };

class ListenerPatcher {
  readonly #build: Build;
  readonly #patches: readonly Patch[];
  readonly #context: PatchContext;
  readonly #provenance: Provenance | undefined;

  constructor(build: Build, patches: readonly Patch[], context: PatchContext, provenance: Provenance | undefined) {
    this.#build = build;
    this.#provenance = provenance;
    this.#patches = patches;
    this.#context = context;
  }

  patch(original: Listener): Listener | undefined {
    let listener = original;
    for (const patch of this.#of("LISTENER", original)) {
      if (patch.operation === "REMOVE") {
        this.#build.uses(patch.source);
        return undefined;
      }
      if (this.#merges(patch)) listener = this.#merged("envoy.config.listener.v3.Listener", listener, patch);
    }
    this.#listenerFilters(listener);
    this.#chains(listener);
    return listener;
  }

  /** The patches of a level that are for this listener. */
  #of(target: PatchTarget, listener: Listener): Patch[] {
    return this.#patches.filter(
      (patch) => patch.target === target && inContext(patch, this.#context) && listenerMatches(listener, patch),
    );
  }

  #merges({ operation }: Patch): boolean {
    return operation === "MERGE" || operation === "MERGE_AND_REPLACE_LIST";
  }

  #merged<T extends object>(type: string, base: T, patch: Patch): T {
    this.#build.patched(patch);
    this.#build.uses(patch.source);
    const merged = mergeMessage(type, base, patch.value, patch.operation === "MERGE_AND_REPLACE_LIST");
    keepSource(this.#provenance, base, merged);
    return merged;
  }

  #listenerFilters(listener: Listener): void {
    const filters = [...(listener.listenerFilters ?? [])];
    for (const patch of this.#of("LISTENER_FILTER", listener)) {
      const wanted = patch.match.listener?.listenerFilter;
      const place = { chosen: Boolean(wanted), matches: ({ name }: Named) => !wanted || name === wanted };
      if (patch.operation === "MERGE")
        this.#mergeNamed<ListenerListenerFilter>(filters, patch, place.chosen, place.matches);
      else if (patchList(this.#build, filters, patch, place)) this.#build.patched(patch);
    }
    if (filters.length > 0) listener.listenerFilters = filters;
    else delete listener.listenerFilters;
  }

  #chains(listener: Listener): void {
    const chains: FilterChain[] = [];
    for (const chain of listener.filterChains ?? []) {
      const kept = this.#chain(listener, chain);
      if (kept) chains.push(kept);
    }
    if (listener.defaultFilterChain) {
      const kept = this.#chain(listener, listener.defaultFilterChain);
      if (kept) listener.defaultFilterChain = kept;
      else delete listener.defaultFilterChain;
    }
    for (const patch of this.#of("FILTER_CHAIN", listener))
      if (patch.operation === "ADD") {
        patchList(this.#build, chains, patch, { chosen: false, matches: () => true });
        this.#build.patched(patch);
      }
    listener.filterChains = chains;
  }

  #chain(listener: Listener, original: FilterChain): FilterChain | undefined {
    let chain = original;
    for (const patch of this.#of("FILTER_CHAIN", listener)) {
      if (patch.operation === "ADD" || !chainMatches(listener, chain, patch)) continue;
      if (patch.operation === "REMOVE") {
        this.#build.patched(patch);
        this.#build.uses(patch.source);
        return undefined;
      }
      if (this.#merges(patch)) chain = this.#mergeChain(chain, patch);
    }
    // Chains and filters are shared: what is patched is a copy.
    const patched = { ...chain, filters: this.#networkFilters(listener, chain) };
    keepSource(this.#provenance, chain, patched);
    return patched;
  }

  /** A transport socket of the same name is merged within; then nothing else of the patch counts, as in Istio. */
  #mergeChain(chain: FilterChain, patch: Patch): FilterChain {
    const own = chain.transportSocket;
    const other = patch.value.transportSocket as Named | undefined;
    if (!own || !other || own.name !== other.name)
      return this.#merged("envoy.config.listener.v3.FilterChain", chain, patch);
    this.#build.patched(patch);
    this.#build.uses(patch.source);
    const typedConfig =
      own.typedConfig && other.typedConfig ? mergeTyped(own.typedConfig, other.typedConfig) : own.typedConfig;
    if (!typedConfig) return chain;
    const merged = { ...chain, transportSocket: { ...own, typedConfig } };
    keepSource(this.#provenance, chain, merged);
    return merged;
  }

  #networkFilters(listener: Listener, chain: FilterChain): ListenerFilter[] {
    const filters = [...(chain.filters ?? [])];
    const patches = this.#of("NETWORK_FILTER", listener).filter((patch) => chainMatches(listener, chain, patch));
    const place = (patch: Patch) => {
      const wanted = patch.match.listener?.filterChain?.filter;
      return { chosen: wanted !== undefined, matches: ({ name }: Named) => !wanted || name === wanted.name };
    };
    for (const patch of patches)
      if (patch.operation !== "MERGE" && patchList(this.#build, filters, patch, place(patch)))
        this.#build.patched(patch);
    for (const patch of patches)
      if (patch.operation === "MERGE") this.#mergeNamed(filters, patch, true, place(patch).matches);
    return filters.map((filter) =>
      filter.name === CONNECTION_MANAGER ? this.#httpFilters(listener, chain, filter) : filter,
    );
  }

  #httpFilters(listener: Listener, chain: FilterChain, filter: ListenerFilter): ListenerFilter {
    const patches = this.#of("HTTP_FILTER", listener).filter((patch) => {
      const wanted = patch.match.listener?.filterChain?.filter;
      return chainMatches(listener, chain, patch) && (!wanted || wanted.name === filter.name);
    });
    if (patches.length === 0 || !filter.typedConfig) return filter;
    const manager = filter.typedConfig as AnyMessage & HttpConnectionManager;
    const filters = [...(manager.httpFilters ?? [])];
    const place = (patch: Patch) => {
      const wanted = patch.match.listener?.filterChain?.filter?.subFilter;
      return { chosen: wanted !== undefined, matches: ({ name }: Named) => !wanted || name === wanted.name };
    };
    for (const patch of patches)
      if (patch.operation !== "MERGE" && patchList<HttpFilter>(this.#build, filters, patch, place(patch)))
        this.#build.patched(patch);
    for (const patch of patches)
      if (patch.operation === "MERGE") this.#mergeNamed<HttpFilter>(filters, patch, true, place(patch).matches);
    const patched = { ...filter, typedConfig: { ...manager, httpFilters: filters } };
    keepSource(this.#provenance, filter, patched);
    return patched;
  }

  /** Merges the typed configuration of every filter that matches; a name in the patch replaces the filter's. */
  #mergeNamed<T extends Named>(filters: T[], patch: Patch, chosen: boolean, matches: (filter: T) => boolean): void {
    if (!chosen) return;
    const { name, typedConfig } = patch.value as Named;
    for (const [index, filter] of filters.entries()) {
      if (!matches(filter) || !filter.typedConfig) continue;
      const merged = typedConfig ? mergeTyped(filter.typedConfig, typedConfig) : filter.typedConfig;
      if (!merged) {
        this.#build.report({
          code: "patch-mismatch",
          severity: "warning",
          object: patch.source,
          path: `${patch.path}.patch.value.typedConfig`,
          message: `${typedConfig?.["@type"]} cannot be merged into ${filter.name}, which is ${filter.typedConfig["@type"]}`,
        });
        this.#build.patched(patch);
        continue;
      }
      this.#build.patched(patch);
      filters[index] = this.#build.from(
        { ...filter, ...(name ? { name } : {}), typedConfig: merged },
        patch.source,
        patch.path,
      );
    }
  }
}

const isVirtual = ({ name }: Listener) => name === VIRTUAL_INBOUND || name === VIRTUAL_OUTBOUND;

function listenerMatches(listener: Listener, { match, target }: Patch): boolean {
  const wanted: ListenerMatch | undefined = match.listener;
  if (!wanted) return true;
  if (wanted.name && wanted.name !== listener.name) return false;
  // Ports of the capturing listeners are those of their chains.
  if (target !== "LISTENER" && isVirtual(listener)) return true;
  return !wanted.portNumber || listener.address?.socketAddress?.portValue === wanted.portNumber;
}

function chainMatches(listener: Listener, chain: FilterChain, { match }: Patch): boolean {
  const { portNumber, filterChain: wanted } = match.listener ?? {};
  const { serverNames, transportProtocol, applicationProtocols, destinationPort } = chain.filterChainMatch ?? {};
  if (isVirtual(listener) && portNumber && destinationPort !== portNumber) return false;
  if (!wanted) return true;
  return (
    (!wanted.name || wanted.name === chain.name) &&
    (!wanted.sni || (serverNames ?? []).includes(wanted.sni)) &&
    (!wanted.transportProtocol || wanted.transportProtocol === transportProtocol) &&
    (!wanted.applicationProtocols ||
      wanted.applicationProtocols.split(",").every((protocol) => (applicationProtocols ?? []).includes(protocol))) &&
    (!wanted.destinationPort || wanted.destinationPort === destinationPort)
  );
}
