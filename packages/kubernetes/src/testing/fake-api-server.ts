import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { KubernetesObject } from "../object.ts";
import { RESOURCES, type ResourceType } from "../resource-type.ts";
import { patched, type ReviewableUsers, restrict, review, selector, sign } from "./api-rules.ts";
import { ObjectStore, StatusError, type StoredEvent } from "./object-store.ts";

export interface FakeApiServerOptions {
  /** Types served beyond those of {@link RESOURCES}. */
  readonly types?: readonly ResourceType[];
  /** Bearer token that every request must carry. Default: none is asked for. */
  readonly token?: string;
  /** PEM; serves HTTPS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Users by token, for TokenReview. */
  readonly users?: ReviewableUsers;
  /** Signs approved certificate requests: PEM of the request to PEM of the certificate. */
  readonly signer?: (csr: string) => string;
  /** How a watch from a forgotten version is refused: by the response's status, or by an ERROR event. Real servers do both. */
  readonly expiredAs?: "status" | "event";
}

/** A stand-in for a Kubernetes API server on 127.0.0.1, as strict as the real one in what clients depend on. */
export interface FakeApiServer {
  readonly url: string;
  readonly store: ObjectStore;
  /** `METHOD path?query` of each request. */
  readonly requests: readonly string[];
  put(object: KubernetesObject): void;
  remove(object: Pick<KubernetesObject, "apiVersion" | "kind" | "metadata">): void;
  /** Number of open watches. */
  watches(): number;
  /** Breaks the connections of all watches. */
  breakWatches(): void;
  /** Ends all watches in good order, as at their time-out. */
  endWatches(): void;
  /** Sends a bookmark with the present version to all watches. */
  bookmark(): void;
  /** The next `count` requests are answered with `status`. */
  fail(count: number, status: number, headers?: Readonly<Record<string, string>>): void;
  close(): Promise<void>;
}

interface Watch {
  readonly response: ServerResponse;
  readonly end: () => void;
  readonly bookmark: () => void;
}

interface Target {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export async function fakeApiServer(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
  const types = [...Object.values(RESOURCES), ...(options.types ?? [])];
  const store = new ObjectStore();
  const requests: string[] = [];
  const watches = new Set<Watch>();
  const failures = { left: 0, status: 500, headers: {} as Readonly<Record<string, string>> };
  const typeOf = ({ apiVersion, kind }: Pick<KubernetesObject, "apiVersion" | "kind">) => {
    const type = types.find((one) => one.apiVersion === apiVersion && one.kind === kind);
    if (!type) throw new RangeError(`${apiVersion} ${kind} is not served`);
    return type;
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (failures.left > 0) {
      failures.left--;
      for (const [name, value] of Object.entries(failures.headers)) response.setHeader(name, value);
      throw new StatusError(failures.status, "InternalError", "asked to fail");
    }
    if (options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`)
      throw new StatusError(401, "Unauthorized", "Unauthorized");
    const version = /^\/(?:api|apis\/[^/]+)\/[^/]+$/.test(url.pathname) && url.pathname.replace(/^\/apis?\//, "");
    if (version) return send(response, 200, discovery(version, types));
    const target = parseTarget(url.pathname, types);
    if (request.method === "GET" && target.name === undefined && url.searchParams.get("watch"))
      return watch(target, url.searchParams, response);
    const body = await readJson(request);
    const [status, answer] = serve(target, request, url.searchParams, body);
    send(response, status, answer);
  };

  const serve = (
    target: Target,
    request: IncomingMessage,
    query: URLSearchParams,
    body: unknown,
  ): readonly [number, unknown] => {
    const { type, namespace, name, subresource } = target;
    const collection = collectionOf(type);
    if (request.method === "POST" && name === undefined) {
      const object = { ...(body as KubernetesObject), apiVersion: type.apiVersion, kind: type.kind };
      if (type === RESOURCES.tokenReviews) return [201, review(object, options.users ?? {})];
      const metadata = { ...object.metadata, ...(type.namespaced && { namespace: namespace ?? "default" }) };
      const full = { ...object, metadata };
      return [201, store.create(collection, storeKey(full), full)];
    }
    if (request.method === "GET" && name === undefined) return [200, list(target, query)];
    const key = type.namespaced ? `${namespace ?? "default"}/${name}` : `${name}`;
    const current = store.get(collection, key);
    if (request.method === "GET") return [200, current];
    if (request.method === "DELETE") {
      const { preconditions } = (body ?? {}) as { readonly preconditions?: { readonly resourceVersion?: string } };
      return [200, store.delete(collection, key, preconditions?.resourceVersion)];
    }
    const wanted = request.method === "PUT" ? body : patched(current, request.headers["content-type"] ?? "", body);
    let next = restrict(current, wanted as KubernetesObject, subresource);
    if (subresource === "approval" && options.signer) next = sign(next, options.signer);
    return [200, store.update(collection, key, next)];
  };

  const list = ({ type, namespace }: Target, query: URLSearchParams) => {
    const matches = selector(query);
    const limit = Number(query.get("limit") ?? 0);
    const [from, after] = (query.get("continue") ?? "").split("|");
    if (from) store.since(Number(from));
    const all = store
      .list(collectionOf(type))
      .filter((object) => (namespace === undefined || object.metadata.namespace === namespace) && matches(object))
      .filter((object) => after === undefined || storeKey(object) > after);
    const items = limit > 0 ? all.slice(0, limit) : all;
    const last = items.at(-1);
    const version = from || String(store.version);
    return {
      apiVersion: type.apiVersion,
      kind: `${type.kind}List`,
      metadata: {
        resourceVersion: version,
        ...(last && items.length < all.length && { continue: `${version}|${storeKey(last)}` }),
      },
      // As the real server: the items of a list do not say their kind.
      items: items.map(({ apiVersion: _version, kind: _kind, ...item }) => item),
    };
  };

  const watch = ({ type, namespace }: Target, query: URLSearchParams, response: ServerResponse) => {
    const matches = selector(query);
    const from = Number(query.get("resourceVersion") || store.version);
    const write = (event: object) => void response.write(`${JSON.stringify(event)}\n`);
    const offer = ({ collection, type: change, object, previous }: StoredEvent) => {
      if (collection !== collectionOf(type)) return;
      if (namespace !== undefined && object.metadata.namespace !== namespace) return;
      const is = matches(object) && change !== "DELETED";
      const was = previous !== undefined && matches(previous);
      if (is || was) write({ type: is ? (was ? "MODIFIED" : "ADDED") : "DELETED", object });
    };
    const start = () => response.writeHead(200, { "content-type": "application/json" });
    let missed: readonly StoredEvent[];
    try {
      missed = store.since(from);
    } catch (error) {
      if (options.expiredAs !== "event" || !(error instanceof StatusError)) throw error;
      start();
      response.end(`${JSON.stringify({ type: "ERROR", object: statusBody(error) })}\n`);
      return;
    }
    start();
    response.flushHeaders();
    for (const event of missed) offer(event);
    const unsubscribe = store.subscribe(offer);
    const end = () => {
      unsubscribe();
      response.end();
    };
    const timer = setTimeout(end, Number(query.get("timeoutSeconds") ?? 60) * 1000);
    const bookmark = () =>
      write({
        type: "BOOKMARK",
        object: { apiVersion: type.apiVersion, kind: type.kind, metadata: { resourceVersion: String(store.version) } },
      });
    const entry = { response, end, bookmark };
    watches.add(entry);
    response.on("close", () => {
      clearTimeout(timer);
      unsubscribe();
      watches.delete(entry);
    });
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch((error: unknown) => {
      const refusal = error instanceof StatusError ? error : new StatusError(500, "InternalError", String(error));
      send(response, refusal.status, statusBody(refusal));
    });
  const server = options.tls ? createHttpsServer(options.tls, onRequest) : createHttpServer(onRequest);
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;

  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    requests,
    put(object) {
      const type = typeOf(object);
      const full = type.namespaced
        ? { ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? "default" } }
        : object;
      const exists = store.list(collectionOf(type)).some((other) => storeKey(other) === storeKey(full));
      if (exists) store.update(collectionOf(type), storeKey(full), full);
      else store.create(collectionOf(type), storeKey(full), full);
    },
    remove: (object) => void store.delete(collectionOf(typeOf(object)), storeKey(object), undefined),
    watches: () => watches.size,
    breakWatches: () => {
      for (const { response } of watches) response.destroy();
    },
    endWatches: () => {
      for (const { end } of watches) end();
    },
    bookmark: () => {
      for (const { bookmark } of watches) bookmark();
    },
    fail: (left, status, headers = {}) => void Object.assign(failures, { left, status, headers }),
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

function parseTarget(pathname: string, types: readonly ResourceType[]): Target {
  const match =
    /^\/(?:api\/([^/]+)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+)(?=\/[^/]))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    );
  const [, core, group, namespace, plural, name, subresource] = (match ?? []).map(
    (part) => part && decodeURIComponent(part),
  );
  const type = types.find((one) => one.apiVersion === (core ?? group) && one.plural === plural);
  if (!type) throw new StatusError(404, "NotFound", "the server could not find the requested resource");
  return { type, namespace, name, subresource };
}

function discovery(groupVersion: string, types: readonly ResourceType[]) {
  const served = types.filter(({ apiVersion }) => apiVersion === groupVersion);
  if (served.length === 0) throw new StatusError(404, "NotFound", "the server could not find the requested resource");
  const resources = served.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced }));
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

function collectionOf(type: ResourceType): string {
  return `${type.plural}.${type.apiVersion}`;
}

function storeKey({ metadata: { namespace, name } }: Pick<KubernetesObject, "metadata">): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

function statusBody({ status, reason, message }: StatusError) {
  return { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", code: status, reason, message };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
