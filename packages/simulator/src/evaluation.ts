import type { RouteAction } from "./envoy.ts";
import type { LocalReply } from "./filter/outcome.ts";
import type { Mutation } from "./route/header-mutation.ts";

/** Why a connection or request gets nowhere. */
export type Failure =
  | "no-listener"
  | "no-filter-chain"
  | "ambiguous-filter-chain"
  | "invalid-tls"
  | "invalid-mtls"
  | "protocol-error"
  | "no-route-configuration"
  | "no-virtual-host"
  | "no-route"
  | "no-proxying-filter"
  | "denied";

/** Where a request was when its way was decided. */
interface Place {
  /** The share of the requests that go this way; the shares of all branches add up to 1. */
  readonly share: number;
  readonly virtualHost?: string;
  readonly route?: string;
}

/** Requests that are forwarded to a cluster. */
export interface Forward extends Place {
  readonly kind: "forward";
  readonly cluster: string;
  /** The request as it goes on: pseudo headers and headers after rewrites and mutations. */
  readonly headers: ReadonlyMap<string, string>;
  readonly path?: string;
  readonly authority?: string;
  readonly requestHeaders: readonly Mutation[];
  readonly responseHeaders: readonly Mutation[];
  /** `15s` is Envoy's default; `0s`: none. */
  readonly timeout?: string;
  readonly retries?: number;
  readonly retryOn?: string;
  /** The whole of it: the route's, else the virtual host's. */
  readonly retryPolicy?: NonNullable<RouteAction["retryPolicy"]>;
  readonly mirrors: readonly { readonly cluster: string; readonly share: number }[];
  readonly delays: readonly { readonly duration: string; readonly share: number }[];
  /** Everything else the route says: hash policy, upgrades, internal redirects. */
  readonly action?: RouteAction;
}

/** Requests that the proxy answers itself. */
export interface Reply extends Place {
  readonly kind: "reply";
  readonly reply: LocalReply;
  readonly delays?: Forward["delays"];
  /** Set where the answer means that there was no way: 404 of no route. */
  readonly failure?: Failure;
}

/** A connection that is closed. */
export interface Closed extends Place {
  readonly kind: "closed";
  readonly failure: Failure;
  readonly reason: string;
  readonly rule?: string;
}

export type Branch = Forward | Reply | Closed;

/** What a proxy does with a connection or request. */
export interface Evaluation {
  readonly listener?: string;
  readonly filterChain?: string;
  readonly routeConfiguration?: string;
  readonly branches: readonly Branch[];
}
