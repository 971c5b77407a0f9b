import { resourceType } from "../resource-type.ts";
import { type ReceivedResource, readUpdate, type Update } from "./update.ts";

/** What one protocol does on a stream: subscriptions and resources outlive the stream. */
export interface Session {
  /** A stream was opened: says everything anew. */
  open(): void;
  subscribe(typeUrl: string, names: readonly string[]): void;
  unsubscribe(typeUrl: string, names: readonly string[]): void;
  read(bytes: Uint8Array): Update;
  /** Accepts an update and takes it in, or rejects it. */
  answer(update: Update, error: string | undefined): void;
  resources(typeUrl: string): ReadonlyMap<string, ReceivedResource>;
}

interface TypeSession {
  readonly typeUrl: string;
  readonly names: Set<string>;
  readonly resources: Map<string, ReceivedResource>;
  nonce: string;
  version: string;
}

type Send = (request: object) => void;

function types() {
  const all = new Map<string, TypeSession>();
  return {
    all,
    get(typeUrl: string): TypeSession {
      const found = all.get(typeUrl);
      if (found) return found;
      const made: TypeSession = { typeUrl, names: new Set(), resources: new Map(), nonce: "", version: "" };
      all.set(typeUrl, made);
      return made;
    },
  };
}

function rejection(error: string | undefined): object {
  return error === undefined ? {} : { errorDetail: { code: 3, message: error } };
}

function take(type: TypeSession, update: Update): void {
  for (const resource of update.resources) type.resources.set(resource.name, resource);
  for (const name of update.removed) type.resources.delete(name);
}

/** Drops what is no longer asked for. */
function forget(type: TypeSession): void {
  if (type.names.has("*")) return;
  for (const name of type.resources.keys()) if (!type.names.has(name)) type.resources.delete(name);
}

/** `DiscoveryRequest`: every request carries all names. A lone `*` goes as the empty list that older servers know. */
export function createSotwSession(send: Send): Session {
  const { all, get } = types();
  const request = (type: TypeSession, extra: object = {}) =>
    send({
      typeUrl: type.typeUrl,
      resourceNames: type.names.size === 1 && type.names.has("*") ? [] : [...type.names],
      responseNonce: type.nonce,
      versionInfo: type.version,
      ...extra,
    });
  return {
    open() {
      for (const type of all.values()) {
        type.nonce = "";
        if (type.names.size > 0) request(type);
      }
    },
    subscribe(typeUrl, names) {
      const type = get(typeUrl);
      for (const name of names) type.names.add(name);
      request(type);
    },
    unsubscribe(typeUrl, names) {
      const type = get(typeUrl);
      for (const name of names) type.names.delete(name);
      forget(type);
      request(type);
    },
    read(bytes) {
      const update = readUpdate("sotw", bytes);
      if (!resourceType(update.typeUrl).fullState) return update;
      const names = new Set(update.resources.map(({ name }) => name));
      const removed = [...get(update.typeUrl).resources.keys()].filter((name) => !names.has(name));
      return { ...update, removed };
    },
    answer(update, error) {
      const type = get(update.typeUrl);
      type.nonce = update.nonce;
      if (error === undefined) {
        type.version = update.version;
        take(type, update);
        forget(type);
      }
      request(type, rejection(error));
    },
    resources: (typeUrl) => get(typeUrl).resources,
  };
}

/** `DeltaDiscoveryRequest`: requests carry what changes; the first of a stream all names and the versions at hand. */
export function createDeltaSession(send: Send): Session {
  const { all, get } = types();
  return {
    open() {
      for (const type of all.values()) {
        if (type.names.size === 0) continue;
        const initialResourceVersions: Record<string, string> = {};
        for (const { name, version } of type.resources.values()) initialResourceVersions[name] = version;
        send({ typeUrl: type.typeUrl, resourceNamesSubscribe: [...type.names], initialResourceVersions });
      }
    },
    subscribe(typeUrl, names) {
      const type = get(typeUrl);
      for (const name of names) type.names.add(name);
      send({ typeUrl, resourceNamesSubscribe: [...names] });
    },
    unsubscribe(typeUrl, names) {
      const type = get(typeUrl);
      for (const name of names) type.names.delete(name);
      forget(type);
      send({ typeUrl, resourceNamesUnsubscribe: [...names] });
    },
    read: (bytes) => readUpdate("delta", bytes),
    answer(update, error) {
      const type = get(update.typeUrl);
      if (error === undefined) {
        take(type, update);
        forget(type);
      }
      send({ typeUrl: update.typeUrl, responseNonce: update.nonce, ...rejection(error) });
    },
    resources: (typeUrl) => get(typeUrl).resources,
  };
}
