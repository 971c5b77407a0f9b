import type { NodeJson } from "@fairlead/model";
import type { DiscoveryStream } from "./stream.ts";
import { difference, isEmpty, versionOf } from "./view.ts";

export interface TypeStatus {
  readonly typeUrl: string;
  readonly shortName: string;
  readonly wildcard: boolean;
  /** Names asked for by name. */
  readonly subscribed: number;
  /** Resources the client has, once it has taken in what was sent. */
  readonly resources: number;
  /** Content hash over what was sent, and over what was accepted. */
  readonly sentVersion: string;
  readonly ackedVersion: string | undefined;
  /** Everything sent was accepted. */
  readonly synced: boolean;
  readonly lastNack: { readonly message: string; readonly resources: readonly string[] } | undefined;
}

/** What a debug page shows of a client. */
export interface ClientStatus {
  readonly id: number;
  readonly node: NodeJson;
  readonly address: string;
  readonly transport: string;
  readonly identities: readonly string[];
  readonly mode: "sotw" | "delta";
  readonly types: readonly TypeStatus[];
}

/** The status of a stream; `undefined` before its node was accepted. */
export function statusOf(stream: DiscoveryStream): ClientStatus | undefined {
  const { client } = stream;
  if (!client) return undefined;
  const types = stream.states.map(({ type, subscription, sent, acked, outstanding, lastNack }): TypeStatus => {
    const same = acked && difference(acked, sent);
    return {
      typeUrl: type.typeUrl,
      shortName: type.shortName,
      wildcard: subscription.wildcard,
      subscribed: subscription.names.size,
      resources: sent.entries.size,
      sentVersion: versionOf(sent),
      ackedVersion: acked && versionOf(acked),
      synced: outstanding.length === 0 && same !== undefined && isEmpty(same),
      lastNack,
    };
  });
  const { id, node, peer, mode } = client;
  return { id, node, address: peer.address, transport: peer.transport, identities: peer.identities, mode, types };
}
