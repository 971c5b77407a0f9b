import type { NodeJson } from "@fairlead/model";
import type { EncodedResource } from "../encoded-resource.ts";
import type { DiscoveryStream } from "./stream.ts";
import { isAskedFor } from "./subscription.ts";
import type { TypeState } from "./type-state.ts";

/** One resource that a client has or is meant to have. */
export interface Holding {
  /** Of the stream. */
  readonly client: number;
  readonly node: NodeJson;
  readonly typeUrl: string;
  readonly name: string;
  /** Content hash of what it is meant to have; undefined: it is to go away. */
  readonly meant: string | undefined;
  /** Of what it has accepted; undefined: nothing yet. */
  readonly has: string | undefined;
  /** `pending`: not sent or not answered yet, or held back because proxies like it refused it. */
  readonly state: "accepted" | "pending" | "refused";
}

/** What a client has or is meant to have of the resources that are wanted. What it has not asked for is not among them. */
export function holdingsOf(
  stream: DiscoveryStream,
  isWanted: (resource: EncodedResource) => boolean,
): readonly Holding[] {
  const { client } = stream;
  if (!client) return [];
  return stream.states.flatMap((state) =>
    [...namesOf(stream, state, isWanted)].sort().flatMap((name): readonly Holding[] => {
      const { type, acked, lastNack, subscription } = state;
      const meant = isAskedFor(subscription, name)
        ? stream.meant(type.typeUrl)?.resources.get(name)?.version
        : undefined;
      const has = acked?.entries.get(name)?.version;
      if (meant === undefined && has === undefined) return [];
      const isRefused = meant !== has && lastNack?.resources.includes(name) === true;
      return [
        {
          client: client.id,
          node: client.node,
          typeUrl: type.typeUrl,
          name,
          meant,
          has,
          state: meant === has ? "accepted" : isRefused ? "refused" : "pending",
        },
      ];
    }),
  );
}

function namesOf(
  stream: DiscoveryStream,
  { type, sent, acked, subscription }: TypeState,
  isWanted: (resource: EncodedResource) => boolean,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const view of [sent.entries, acked?.entries, stream.meant(type.typeUrl)?.resources])
    for (const [name, resource] of view ?? [])
      if (isWanted(resource) && (view === sent.entries || isAskedFor(subscription, name))) names.add(name);
  return names;
}
