import { meshConfigOf, type Reader } from "@fairlead/mesh";
import { isHttp2, type Protocol } from "@fairlead/model";
import type { Route, RouteAction } from "../../proto/types.ts";
import { NO_TIMEOUT } from "./action.ts";
import { MATCH_ALL } from "./match.ts";
import { INBOUND_RETRY_POLICY, retryPolicy } from "./retry.ts";

/** The route of a host that no VirtualService speaks for. `operation` is what traces call it. */
export function defaultOutboundRoute(
  read: Reader,
  cluster: string,
  operation: string,
  hashPolicy: RouteAction["hashPolicy"],
): Route {
  const retries = retryPolicy(meshConfigOf(read).defaultHttpRetryPolicy, false);
  return {
    name: "default",
    match: MATCH_ALL,
    route: {
      cluster,
      ...NO_TIMEOUT,
      ...(retries ? { retryPolicy: retries } : {}),
      ...(hashPolicy ? { hashPolicy } : {}),
    },
    decorator: { operation },
  };
}

/** The route to the application itself. Nothing is repeated for gRPC, whose streams may have begun. */
export function defaultInboundRoute(cluster: string, operation: string, protocol: Protocol): Route {
  const grpc = isHttp2(protocol) && protocol !== "HTTP2";
  return {
    name: "default",
    match: MATCH_ALL,
    route: {
      cluster,
      timeout: "0s",
      maxStreamDuration: { maxStreamDuration: "0s", grpcTimeoutHeaderMax: "0s" },
      ...(grpc ? {} : { retryPolicy: INBOUND_RETRY_POLICY }),
    },
    decorator: { operation },
  };
}
