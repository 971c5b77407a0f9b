import type { Listener } from "../kinds/listener.ts";
import type { GatewayApiObject } from "../kinds.ts";
import { byAge } from "./order.ts";

export type ConflictReason = "ProtocolConflict" | "HostnameConflict";

/** Whose listeners lose against which came first: by owner (`Gateway/namespace/name`, `ListenerSet/…`) and name. */
export type ListenerConflicts = ReadonlyMap<string, ReadonlyMap<string, ConflictReason>>;

export function ownerKey({ kind, metadata }: GatewayApiObject<"Gateway"> | GatewayApiObject<"ListenerSet">): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

/**
 * The Gateway's own listeners go first, then those of ListenerSets, the oldest first; who loses takes up no room. Source:
 * Gateway API, GEP-1713, "Listener conflicts".
 */
export function listenerConflicts(
  gateway: GatewayApiObject<"Gateway">,
  sets: readonly GatewayApiObject<"ListenerSet">[],
): ListenerConflicts {
  const conflicts = new Map<string, Map<string, ConflictReason>>();
  const winners: Listener[] = [];
  for (const owner of [gateway, ...[...sets].sort(byAge)])
    for (const listener of owner.spec.listeners) {
      const prior = winners.find((winner) => !isDistinct(listener, winner));
      if (!prior) {
        winners.push(listener);
        continue;
      }
      const own = conflicts.get(ownerKey(owner)) ?? new Map<string, ConflictReason>();
      conflicts.set(ownerKey(owner), own);
      const sameLayer = isConnection(listener) && isConnection(prior);
      own.set(
        listener.name,
        sameLayer || listener.protocol !== prior.protocol ? "ProtocolConflict" : "HostnameConflict",
      );
    }
  return conflicts;
}

const isConnection = ({ protocol }: Listener) => protocol === "TCP" || protocol === "UDP";
const hasNames = ({ protocol }: Listener) => ["HTTP", "HTTPS", "TLS"].includes(protocol);

function isDistinct(a: Listener, b: Listener): boolean {
  if (a.port !== b.port) return true;
  if (isConnection(a) && (isConnection(b) || hasNames(b))) return false;
  if (hasNames(a) && isConnection(b)) return false;
  if (hasNames(a) && hasNames(b)) return (a.hostname ?? "*") !== (b.hostname ?? "*");
  return a.protocol !== b.protocol;
}
