import type { Closed, Evaluation, Failure } from "./evaluation.ts";
import { evaluateHttp } from "./http/manager.ts";
import { compileChain } from "./listener/compiled-chain.ts";
import { handshakeFailure } from "./listener/downstream-tls.ts";
import { selectFilterChain } from "./listener/filter-chain.ts";
import { inspect } from "./listener/inspect.ts";
import { type Entry, selectListener } from "./listener/select.ts";
import { indexOf, type Resources } from "./resources.ts";
import type { Connection, HttpSubject } from "./subject.ts";
import { evaluateTcp, networkRefusal } from "./tcp/proxy.ts";
import type { Tracer } from "./trace.ts";

/** A connection to a proxy, and the request on it. */
export interface Call {
  readonly entry: Entry;
  readonly connection: Connection;
  /** Absent for plain TCP. */
  readonly request?: Omit<HttpSubject, "connection">;
}

/**
 * What an Envoy with these resources does with a call: which listener, filter chain, virtual host and route it takes,
 * and what comes of it, each possible way with its exact share. Pure. Source: Envoy's listener, route and filter
 * documentation; where that is silent, its code's behaviour.
 */
export function evaluateResources(resources: Resources, call: Call, tracer?: Tracer): Evaluation {
  const index = indexOf(resources);
  const { connection } = call;
  const listener = selectListener(index.listeners, call.entry, connection.destination, tracer);
  if (listener === undefined) return { branches: [closed("no-listener", "no listener matches")] };
  const at = { listener: listener.name ?? "" };
  const chain = selectFilterChain(listener, connection, inspect(listener, connection), tracer);
  if (chain === undefined) return { ...at, branches: [closed("no-filter-chain", "no filter chain matches")] };
  if (chain === "ambiguous")
    return { ...at, branches: [closed("ambiguous-filter-chain", "several filter chains match equally well")] };
  const on = { ...at, filterChain: chain.name ?? "" };
  const refused = handshakeFailure(chain, connection, tracer);
  if (refused) return { ...on, branches: [refused] };
  const { manager, tls } = compileChain(chain);
  if (manager) {
    const garbled = undecodable(call, tls !== undefined);
    if (garbled) {
      tracer?.add("http connection manager", chain.name || "(unnamed)", false, garbled, manager);
      return { ...on, branches: [closed("protocol-error", garbled)] };
    }
  }
  const denied = networkRefusal(chain, connection, tracer);
  if (denied) return { ...on, branches: [denied] };
  if (manager && call.request) {
    const request: HttpSubject = { ...call.request, connection };
    return { ...on, ...evaluateHttp(manager, request, (name) => index.routes.get(name), tracer) };
  }
  const branches = evaluateTcp(chain, connection, tracer);
  if (branches) return { ...on, branches };
  return { ...on, branches: [closed("no-proxying-filter", "the filter chain has no filter that proxies")] };
}

function undecodable({ connection, request }: Call, terminatesTls: boolean): string | undefined {
  if (connection.tls && !terminatesTls) return "HTTP is expected, the client speaks TLS that nobody ends here";
  return request === undefined ? "HTTP is expected, the client speaks something else" : undefined;
}

function closed(failure: Failure, reason: string): Closed {
  return { kind: "closed", share: 1, failure, reason };
}
