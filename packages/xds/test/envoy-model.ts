import type { ReceivedResource, Update } from "../src/client/update.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, resourceType } from "../src/resource-type.ts";
import type { DiscoveryServer } from "../src/server/discovery-server.ts";
import { type TestClient, testClient } from "./discovery-test-client.ts";

/** How a model proxy judges a resource: a text rejects. */
export type Judge = (typeUrl: string, resource: ReceivedResource) => boolean;

/**
 * A proxy as the protocol sees it: takes clusters, asks for their endpoints, takes listeners, asks for their routes. It answers
 * when told to, may come back with what it has, and knows at any time whether something it has refers to nothing.
 */
export interface EnvoyModel {
  readonly has: ReadonlyMap<string, ReadonlyMap<string, object>>;
  /** Responses that it has not read. */
  readonly waiting: number;
  /** Reads and answers one response; false when there is none. */
  step(): boolean;
  /** A new stream, with the memory of the old one. */
  reconnect(): void;
  stall(): void;
  drain(): void;
  /** Routes whose cluster is not there. */
  dangling(): string[];
  readonly responses: number;
}

const WILDCARD = new Set([CLUSTER_TYPE, LISTENER_TYPE]);

export function envoyModel(
  server: DiscoveryServer,
  mode: "sotw" | "delta",
  rejects: Judge = () => false,
  saysWhich: () => boolean = () => true,
): EnvoyModel {
  const has = new Map<string, Map<string, object>>(
    [CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE].map((type) => [type, new Map()]),
  );
  const versions = new Map<string, Map<string, string>>([...has.keys()].map((type) => [type, new Map()]));
  const sotwVersion = new Map<string, string>();
  const nonces = new Map<string, string>();
  const asked = new Map<string, Set<string>>([
    [ENDPOINT_TYPE, new Set()],
    [ROUTE_TYPE, new Set()],
  ]);
  /** Asked for on this stream, and on any stream. */
  const begun = new Set<string>();
  const wants = new Set<string>([CLUSTER_TYPE]);
  let client: TestClient;
  let responses = 0;
  /** After a return in the state of the world, clusters are replaced as a whole before routes are. */
  let routesOld = false;

  const first = (typeUrl: string) => {
    begun.add(typeUrl);
    wants.add(typeUrl);
    const names = [...(asked.get(typeUrl) ?? [])];
    if (mode === "sotw") client.request({ typeUrl, resourceNames: names, versionInfo: sotwVersion.get(typeUrl) ?? "" });
    else
      client.request({
        typeUrl,
        resourceNamesSubscribe: names,
        initialResourceVersions: Object.fromEntries(versions.get(typeUrl) ?? []),
      });
  };

  /** Asks for `wanted`, in the difference to what was asked before. */
  const ask = (typeUrl: string, wanted: Set<string>) => {
    const before = asked.get(typeUrl) ?? new Set<string>();
    const added = [...wanted].filter((name) => !before.has(name));
    const removed = [...before].filter((name) => !wanted.has(name));
    asked.set(typeUrl, wanted);
    for (const name of removed) {
      has.get(typeUrl)?.delete(name);
      versions.get(typeUrl)?.delete(name);
    }
    if (added.length === 0 && removed.length === 0) return;
    if (!begun.has(typeUrl)) first(typeUrl);
    else if (mode === "delta")
      client.request({ typeUrl, resourceNamesSubscribe: added, resourceNamesUnsubscribe: removed });
    else
      client.request({
        typeUrl,
        resourceNames: [...wanted],
        versionInfo: sotwVersion.get(typeUrl) ?? "",
        responseNonce: nonces.get(typeUrl) ?? "",
      });
  };

  const take = ({ typeUrl, resources, removed, version }: Update, rejected: ReadonlySet<string>) => {
    const mine = has.get(typeUrl);
    const known = versions.get(typeUrl);
    if (!mine || !known) throw new Error(`nobody asked for ${typeUrl}`);
    if (mode === "sotw" && resourceType(typeUrl).fullState) {
      const names = new Set(resources.map(({ name }) => name));
      for (const name of [...mine.keys()]) if (!names.has(name)) mine.delete(name);
    }
    for (const resource of resources) {
      if (rejected.has(resource.name)) continue;
      if (!WILDCARD.has(typeUrl) && !asked.get(typeUrl)?.has(resource.name)) continue;
      mine.set(resource.name, resource.json);
      known.set(resource.name, resource.version);
    }
    for (const name of removed) {
      mine.delete(name);
      known.delete(name);
    }
    if (rejected.size === 0) sotwVersion.set(typeUrl, version);
    if (typeUrl === ROUTE_TYPE) routesOld = false;
    if (typeUrl === CLUSTER_TYPE) ask(ENDPOINT_TYPE, new Set(mine.keys()));
    if (typeUrl === LISTENER_TYPE)
      ask(
        ROUTE_TYPE,
        new Set([...mine.values()].map((listener) => String((listener as { statPrefix?: string }).statPrefix))),
      );
  };

  const start = () => {
    client = testClient(server, mode);
    begun.clear();
    nonces.clear();
    for (const typeUrl of [...wants]) first(typeUrl);
  };
  start();

  return {
    has,
    get waiting() {
      return client.inbox.length;
    },
    get responses() {
      return responses;
    },
    step() {
      const update = client.inbox.shift();
      if (!update) return false;
      responses++;
      const rejected = new Set(
        update.resources.filter((resource) => rejects(update.typeUrl, resource)).map(({ name }) => name),
      );
      nonces.set(update.typeUrl, update.nonce);
      // A rejection that names nobody: nothing of the response was taken.
      const named = rejected.size === 0 || saysWhich();
      if (named) take(update, rejected);
      const names = WILDCARD.has(update.typeUrl) ? [] : [...(asked.get(update.typeUrl) ?? [])];
      client.request({
        typeUrl: update.typeUrl,
        responseNonce: update.nonce,
        ...(mode === "sotw" && { versionInfo: sotwVersion.get(update.typeUrl) ?? "", resourceNames: names }),
        ...(rejected.size > 0 && {
          errorDetail: {
            code: 13,
            message: named ? `rejected: ${[...rejected].map((name) => `"${name}"`).join(" ")}` : "no",
          },
        }),
      });
      if (update.typeUrl === CLUSTER_TYPE && !begun.has(LISTENER_TYPE)) first(LISTENER_TYPE);
      return true;
    },
    reconnect() {
      client.close();
      routesOld = mode === "sotw";
      start();
    },
    stall: () => client.stall(),
    drain: () => client.drain(),
    dangling() {
      if (routesOld) return [];
      const clusters = has.get(CLUSTER_TYPE);
      return [...(has.get(ROUTE_TYPE) ?? [])].flatMap(([name, route]) => {
        const to = JSON.stringify(route).match(/"cluster":"([^"]+)"/)?.[1];
        return to === undefined || clusters?.has(to) ? [] : [`${name} -> ${to}`];
      });
    },
  };
}
