import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { KubernetesError } from "./kubernetes-error.ts";

/** The part of a `KubeConfig` of `@kubernetes/client-node` that is used here. */
export interface LoadedKubeConfig {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  /** Adds TLS settings, headers and an agent. */
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

/** Where the API server is and who asks. One of the forms. */
export type ServerOptions =
  | {
      /** A path, or a loaded configuration of `@kubernetes/client-node`: any way of authentication that it knows. */
      readonly kubeconfig: string | LoadedKubeConfig;
    }
  | {
      /** The service account of the Pod this runs in. Its token is read again as it rotates. */
      readonly inCluster: true;
    }
  | {
      readonly server: string | URL;
      /** Bearer token; a function is asked before each request. */
      readonly token?: string | (() => string | Promise<string>);
      /** PEM: who may have signed the server's certificate. Default: the platform's roots. */
      readonly ca?: string;
      /** PEM: a client certificate and its key. */
      readonly certificate?: { readonly cert: string; readonly key: string };
    };

export interface TransportRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

/** Carries requests to one API server over kept-alive connections. */
export interface Transport {
  /** Resolves with the head of the response; its body is the caller's to read or destroy. Rejects with `KubernetesError`. */
  send(request: TransportRequest): Promise<IncomingMessage>;
  /** Breaks all connections. */
  close(): void;
}

interface Target {
  readonly server: URL;
  readonly options: RequestOptions;
}

export function serverTransport(options: ServerOptions): Transport {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const target = targetOf(options);
  return {
    async send({ method, path, body, contentType, signal }) {
      const what = `${method} ${path.split("?")[0]}`;
      const { server, options: given } = await target().catch((cause: unknown) => {
        if (cause instanceof KubernetesError) throw cause;
        throw new KubernetesError("bad-options", `no credentials for ${what}: ${messageOf(cause)}`, { cause });
      });
      const secure = server.protocol === "https:";
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const request = (secure ? httpsRequest : httpRequest)(
        new URL(server.pathname.replace(/\/$/, "") + path, server),
        {
          agent: secure ? agents.https : agents.http,
          ...given,
          method,
          signal,
          headers: {
            accept: "application/json",
            "user-agent": "fairlead",
            ...given.headers,
            ...(body !== undefined && {
              "content-type": contentType ?? "application/json",
              "content-length": Buffer.byteLength(body),
            }),
          },
        },
      );
      request.on("response", resolve);
      request.on("error", (cause) => reject(transportError(what, cause, signal)));
      request.end(body);
      return promise;
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** The error for a connection that failed or was given up. */
export function transportError(what: string, cause: unknown, signal: AbortSignal): KubernetesError {
  if (signal.aborted) {
    const reason = signal.reason as unknown;
    if (reason instanceof KubernetesError) return reason;
    const timedOut = reason instanceof DOMException && reason.name === "TimeoutError";
    return new KubernetesError(
      timedOut ? "timeout" : "aborted",
      `${what}: ${timedOut ? "no answer in time" : "aborted"}`,
      {
        cause: reason,
      },
    );
  }
  return new KubernetesError("unreachable", `${what}: ${messageOf(cause)}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
}

function targetOf(options: ServerOptions): () => Promise<Target> {
  if ("server" in options) {
    const { token, ca, certificate } = options;
    const server = new URL(options.server);
    const tls = { ...(ca !== undefined && { ca }), ...certificate };
    return async () => {
      const bearer = typeof token === "function" ? await token() : token;
      return { server, options: { ...tls, ...(bearer && { headers: { authorization: `Bearer ${bearer}` } }) } };
    };
  }
  let loading: Promise<LoadedKubeConfig> | undefined;
  return async () => {
    loading ??= loadConfig(options);
    const config = await loading;
    const cluster = config.getCurrentCluster();
    if (!cluster) throw new KubernetesError("bad-options", "the kubeconfig names no current cluster");
    const given: RequestOptions = {};
    await config.applyToHTTPSOptions(given);
    // Its agents keep no connection alive; ours do, unless a proxy is in between.
    if (!cluster.proxyUrl) delete given.agent;
    return { server: new URL(cluster.server), options: given };
  };
}

/** Loaded when first needed: the module is large, and not needed for a server, token and CA. */
async function loadConfig(
  options: { kubeconfig: string | LoadedKubeConfig } | { inCluster: true },
): Promise<LoadedKubeConfig> {
  if ("kubeconfig" in options && typeof options.kubeconfig !== "string") return options.kubeconfig;
  const { KubeConfig: Loader } = await import("@kubernetes/client-node");
  const config = new Loader();
  if ("kubeconfig" in options && typeof options.kubeconfig === "string") config.loadFromFile(options.kubeconfig);
  else config.loadFromCluster();
  return config;
}
