import type { IncomingMessage } from "node:http";
import { errorOfStatus, KubernetesError } from "./kubernetes-error.ts";
import type { KubernetesObject } from "./object.ts";
import { type ResourceType, resourcePath } from "./resource-type.ts";
import { type ServerOptions, serverTransport, transportError } from "./transport.ts";

export interface RequestScope {
  readonly namespace?: string;
  readonly signal?: AbortSignal;
}

export interface PatchScope extends RequestScope {
  readonly subresource?: string;
}

export interface ListScope extends RequestScope {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** One operation of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };

export interface ObjectList {
  readonly items: readonly KubernetesObject[];
  /** Where a watch may go on from. */
  readonly resourceVersion: string;
}

/**
 * A client of one API server, on raw JSON. Every method rejects with `KubernetesError`; none is retried.
 * Whoever creates it closes it.
 */
export interface KubernetesClient {
  get(type: ResourceType, name: string, scope?: RequestScope): Promise<KubernetesObject>;
  /** The plural names that the server serves under an API version (`networking.istio.io/v1`); none where it has no such version. */
  resources(apiVersion: string, scope?: { readonly signal?: AbortSignal }): Promise<readonly string[]>;
  /** All objects, page by page. */
  list(type: ResourceType, scope?: ListScope): Promise<ObjectList>;
  create(type: ResourceType, object: object, scope?: RequestScope): Promise<KubernetesObject>;
  /** Writes the whole object; with `metadata.resourceVersion`, `conflict` when it was changed since it was read. */
  replace(type: ResourceType, object: KubernetesObject, scope?: PatchScope): Promise<KubernetesObject>;
  /** With `resourceVersion`, `conflict` when it was changed since. */
  delete(type: ResourceType, name: string, scope?: RequestScope & { readonly resourceVersion?: string }): Promise<void>;
  /** RFC 7386: null removes a field; a `metadata.resourceVersion` in it makes it conditional. */
  mergePatch(type: ResourceType, name: string, patch: object, scope?: PatchScope): Promise<KubernetesObject>;
  jsonPatch(
    type: ResourceType,
    name: string,
    operations: readonly JsonPatchOperation[],
    scope?: PatchScope,
  ): Promise<KubernetesObject>;
  /** A merge patch of the status alone; the spec and its generation stay. */
  patchStatus(type: ResourceType, name: string, status: object, scope?: RequestScope): Promise<KubernetesObject>;
  /** Opens a watch; the body is newline-separated events. For `listWatch`, which reads it. */
  watch(type: ResourceType, query: URLSearchParams, scope: RequestScope): Promise<IncomingMessage>;
  readonly closed: AbortSignal;
  /** Breaks all connections; what is under way rejects with `closed`. Idempotent. */
  close(): void;
}

export type KubernetesClientOptions = ServerOptions & {
  /** Milliseconds for one request (not for a watch). Default 30,000. */
  readonly timeout?: number;
  /** Objects per page of a list. Default 500. */
  readonly pageSize?: number;
  /** Longest body of one answer, in bytes. Default 64 Mi. */
  readonly maxBodyBytes?: number;
};

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal: AbortSignal | undefined;
}

/** Makes a client. Nothing is connected until it is used. */
export function kubernetesClient(options: KubernetesClientOptions): KubernetesClient {
  const { timeout = 30_000, pageSize = 500, maxBodyBytes = 64 * 1024 * 1024 } = options;
  const transport = serverTransport(options);
  const closing = new AbortController();

  const open = async ({ method, path, body, contentType, signal }: Call, limit: AbortSignal[]) => {
    const response = await transport.send({
      method,
      path,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(contentType !== undefined && { contentType }),
      signal: AbortSignal.any([closing.signal, ...limit, ...(signal ? [signal] : [])]),
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const what = `${method} ${path.split("?")[0]}`;
    const text = await readBody(response, maxBodyBytes, what, closing.signal).catch(() => "");
    throw errorOfStatus(status, parseJson(text), what, response.headers["retry-after"]);
  };
  const call = async (given: Call): Promise<unknown> => {
    const limit = AbortSignal.timeout(timeout);
    const what = `${given.method} ${given.path.split("?")[0]}`;
    const response = await open(given, [limit]);
    const signal = AbortSignal.any([closing.signal, limit, ...(given.signal ? [given.signal] : [])]);
    const body = parseJson(await readBody(response, maxBodyBytes, what, signal));
    if (typeof body !== "object" || body === null)
      throw new KubernetesError("bad-response", `${what}: the answer is not a JSON object`);
    return body;
  };
  const patch = (type: ResourceType, name: string, body: unknown, contentType: string, scope: PatchScope) =>
    call({
      method: "PATCH",
      path: resourcePath(type, scope.namespace, name, scope.subresource),
      body,
      contentType,
      signal: scope.signal,
    }) as Promise<KubernetesObject>;

  return {
    closed: closing.signal,
    get: (type, name, scope = {}) =>
      call({
        method: "GET",
        path: resourcePath(type, scope.namespace, name),
        signal: scope.signal,
      }) as Promise<KubernetesObject>,
    async resources(apiVersion, { signal } = {}) {
      const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const answer = await call({ method: "GET", path, signal }).catch((error: unknown) => {
        if (error instanceof KubernetesError && error.code === "not-found") return { resources: [] };
        throw error;
      });
      const { resources } = answer as { readonly resources?: readonly { readonly name: string }[] };
      if (!Array.isArray(resources)) throw new KubernetesError("bad-response", `GET ${path}: no list of resources`);
      return resources.map(({ name }) => name);
    },
    async list(type, scope = {}) {
      const items: KubernetesObject[] = [];
      let next: string | undefined;
      let resourceVersion = "";
      do {
        const query = selectors(scope);
        query.set("limit", String(pageSize));
        if (next) query.set("continue", next);
        const page = readList(
          await call({
            method: "GET",
            path: `${resourcePath(type, scope.namespace)}?${query}`,
            signal: scope.signal,
          }),
          type,
        );
        items.push(...page.items);
        next = page.next;
        resourceVersion = page.resourceVersion;
      } while (next);
      return { items, resourceVersion };
    },
    create: (type, object, scope = {}) =>
      call({
        method: "POST",
        path: resourcePath(type, scope.namespace ?? namespaceOf(object)),
        body: { apiVersion: type.apiVersion, kind: type.kind, ...object },
        signal: scope.signal,
      }) as Promise<KubernetesObject>,
    replace: (type, object, scope = {}) =>
      call({
        method: "PUT",
        path: resourcePath(type, scope.namespace ?? namespaceOf(object), object.metadata.name, scope.subresource),
        body: object,
        signal: scope.signal,
      }) as Promise<KubernetesObject>,
    async delete(type, name, scope = {}) {
      const { resourceVersion } = scope;
      await call({
        method: "DELETE",
        path: resourcePath(type, scope.namespace, name),
        body: resourceVersion === undefined ? {} : { preconditions: { resourceVersion } },
        signal: scope.signal,
      });
    },
    mergePatch: (type, name, body, scope = {}) => patch(type, name, body, "application/merge-patch+json", scope),
    jsonPatch: (type, name, body, scope = {}) => patch(type, name, body, "application/json-patch+json", scope),
    patchStatus: (type, name, status, scope = {}) =>
      patch(type, name, { status }, "application/merge-patch+json", { ...scope, subresource: "status" }),
    watch: (type, query, scope) =>
      open({ method: "GET", path: `${resourcePath(type, scope.namespace)}?${query}`, signal: scope.signal }, []),
    close() {
      if (closing.signal.aborted) return;
      closing.abort(new KubernetesError("closed", "the client is closed"));
      transport.close();
    },
  };
}

/** The selectors of a list or watch as a query. */
export function selectors(scope: ListScope): URLSearchParams {
  const query = new URLSearchParams();
  if (scope.labelSelector) query.set("labelSelector", scope.labelSelector);
  if (scope.fieldSelector) query.set("fieldSelector", scope.fieldSelector);
  return query;
}

/** Items of a list carry no kind of their own: it is filled in. */
function readList(body: unknown, type: ResourceType) {
  const { metadata, items } = body as {
    readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
    readonly items?: unknown;
  };
  if (!Array.isArray(items) || typeof metadata?.resourceVersion !== "string")
    throw new KubernetesError("bad-response", `the answer for ${type.plural} is not a list`);
  const { apiVersion, kind } = type;
  return {
    items: (items as readonly KubernetesObject[]).map((item) => ({ ...item, apiVersion, kind })),
    resourceVersion: metadata.resourceVersion,
    next: metadata.continue || undefined,
  };
}

async function readBody(response: IncomingMessage, limit: number, what: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit)
        throw new KubernetesError("bad-response", `${what}: the answer is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof KubernetesError ? cause : transportError(what, cause, signal);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function namespaceOf(object: object): string | undefined {
  return (object as Partial<KubernetesObject>).metadata?.namespace;
}
