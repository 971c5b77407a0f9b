import type { FilterChain, Listener } from "../envoy.ts";
import { compileChain, policiesOf } from "../listener/compiled-chain.ts";
import { proofOfDenial } from "../reach/possible.ts";
import { indexOf, type Resources } from "../resources.ts";
import { meaningOf } from "../settings/meaning.ts";
import type { ResourceChange } from "./resource-change.ts";

/**
 * Whether a change of a resource changes what becomes of requests. `behaviour`: a witness passes it; `none`: it cannot, for the reason
 * given; `undecided`: neither was shown.
 */
export interface ResourceEffect {
  readonly effect: "behaviour" | "none" | "undecided";
  readonly because: string;
}

/** The effect of a change. `witnessed`: the resources that witnesses pass, as `TYPE NAME`. */
export function effectOf(
  { type, name }: Pick<ResourceChange, "type" | "name">,
  sides: readonly [before: Resources, after: Resources],
  witnessed: ReadonlySet<string>,
): ResourceEffect {
  if (witnessed.has(`${type} ${name}`)) return { effect: "behaviour", because: "a witness passes it" };
  const found = sides.flatMap((side) => {
    const resource = resourceOf(side, type, name);
    return resource ? [{ side, resource }] : [];
  });
  if (found.every(({ side }) => !isUsed(side, type, name))) {
    const user = type === "routes" ? "listener" : "listener and no route";
    return { effect: "none", because: `no ${user} of the proxy leads to it, or policies let nobody there` };
  }
  const [old, now] = found.map(({ resource }) => meaningOf(resource));
  if (old !== undefined && old === now)
    return {
      effect: "none",
      because: "it means the same: what differs is how it is written, named, counted, logged or traced",
    };
  return { effect: "undecided", because: "no request was found that fares otherwise" };
}

function resourceOf(side: Resources, type: ResourceChange["type"], name: string): object | undefined {
  const { routes, clusters, endpoints } = indexOf(side);
  if (type === "listeners") return side.listeners.find((one) => (one.name ?? "") === name);
  return { routes, clusters, endpoints }[type].get(name);
}

function isUsed(side: Resources, type: ResourceChange["type"], name: string): boolean {
  if (type === "listeners") return true;
  const texts = textsOf(side);
  if (type === "routes") return texts.listeners.includes(JSON.stringify(name));
  const clusters =
    type === "clusters"
      ? [name]
      : (side.clusters ?? []).flatMap((one) =>
          (one.edsClusterConfig?.serviceName || one.name) === name ? [one.name ?? ""] : [],
        );
  return clusters.some(
    (cluster) => texts.all.includes(JSON.stringify(cluster)) || (texts.open && cluster.startsWith("outbound_")),
  );
}

interface Texts {
  readonly listeners: string;
  readonly all: string;
  /** Whether the client names the cluster: by server name or header. */
  readonly open: boolean;
}

/** Without the chains whose policies are proved to let nobody through. */
function open(listener: Listener): Listener {
  const isOpen = (chain: FilterChain) => {
    const { manager, tls } = compileChain(chain);
    const port = chain.filterChainMatch?.destinationPort ?? listener.address?.socketAddress?.portValue ?? 0;
    return (
      proofOfDenial(policiesOf(chain), {
        peer: undefined,
        anybody: tls !== undefined,
        port,
        http: manager !== undefined,
      }) === undefined
    );
  };
  return { ...listener, filterChains: (listener.filterChains ?? []).filter(isOpen) };
}

const texts = new WeakMap<Resources, Texts>();

function textsOf(side: Resources): Texts {
  let known = texts.get(side);
  if (known === undefined) {
    const listeners = side.listeners.map(open).map(meaningOf).join("\n");
    const used = (side.routes ?? []).filter(({ name = "" }) => listeners.includes(JSON.stringify(name)));
    const all = `${listeners}\n${used.map(meaningOf).join("\n")}`;
    known = { listeners, all, open: /"envoy\.filters\.network\.sni_cluster"|"clusterHeader"/.test(all) };
    texts.set(side, known);
  }
  return known;
}
