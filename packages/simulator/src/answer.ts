import type { EndpointShare } from "./cluster/endpoints.ts";
import type { LocalReply } from "./filter/outcome.ts";
import type { Mutation } from "./route/header-mutation.ts";
import type { Setting } from "./settings/setting.ts";
import type { TraceStep } from "./trace.ts";

/**
 * `routed`: requests reach a destination; `redirected`: the client is sent elsewhere; `responded`: a proxy answers itself
 * (direct response, fault, CORS); `denied`: a policy refuses them; `unroutable`: there is no way, or nothing at its end.
 */
export type Outcome = "routed" | "redirected" | "responded" | "denied" | "unroutable";

/** Where a share of the requests ends up. */
export interface Destination {
  /** Host name of the service (`reviews.default.svc.cluster.local`); empty for clusters of no service. */
  readonly service: string;
  /** Empty when none. */
  readonly subset: string;
  readonly port: number;
  readonly cluster: string;
  /** Of all requests; the endpoints' shares are of the destination's. */
  readonly share: number;
  readonly tls: "mutual" | "simple" | "none";
  readonly endpoints: readonly Pick<EndpointShare, "address" | "locality" | "priority" | "health" | "share">[];
  /** What the callee's proxy refuses of this share. */
  readonly denied?: { readonly share: number; readonly by: string; readonly policy?: string };
}

/** What a proxy answers itself, and to which share of the requests. */
export type Response = LocalReply & { readonly share: number };

/** What becomes of the request on its way. Absent: it is left as it was. */
export interface Rewrites {
  readonly path?: string;
  readonly host?: string;
  readonly requestHeaders?: readonly Mutation[];
  readonly responseHeaders?: readonly Mutation[];
}

/** What the route asks of the proxy besides the destination. */
export interface RoutePolicy {
  /** `0s`: none. */
  readonly timeout?: string;
  readonly retries?: { readonly attempts: number; readonly on: string };
  readonly mirrors?: readonly {
    readonly service: string;
    readonly subset: string;
    readonly cluster: string;
    readonly share: number;
  }[];
  readonly delays?: readonly { readonly duration: string; readonly share: number }[];
}

/** The answer to a question. Shares are exact; those of destinations and responses together make 1. */
export interface Answer {
  readonly outcome: Outcome;
  readonly destinations: readonly Destination[];
  /** The answer that most of the requests get from a proxy, when any do. */
  readonly response?: Response;
  readonly rewrites: Rewrites;
  readonly policy: RoutePolicy;
  /** Everything else that the resources on the way say: timeouts, connections, health checks, TLS, filters. Made when it is asked for. */
  readonly settings: readonly Setting[];
  /** The resources on the caller's way, as `TYPE NAME`: `listeners`, `routes`, `clusters`, `endpoints`. */
  readonly passed: readonly string[];
  /** Every rule that was tried, in order. Made when it is asked for. */
  readonly trace: readonly TraceStep[];
  /** The answer and its reasons for people. */
  explain(): string;
}
