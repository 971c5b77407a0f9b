import type { HttpMatch } from "@fairlead/config";
import { namespaceAmong, nodeMatches, type Reader } from "@fairlead/mesh";

/**
 * Whether a match can hold at all for requests that this node sends to this port: Envoy never sees `port`, `gateways`,
 * `sourceLabels` and `sourceNamespace`. Where `gateways` is given, the source is not looked at.
 * Source: Istio `sourceMatchHTTP`.
 */
export function matchApplies(read: Reader, match: HttpMatch, port: number, gateway: string): boolean {
  if (match.port && match.port !== port) return false;
  if (match.gateways && match.gateways.length > 0) return match.gateways.includes(gateway);
  if (!nodeMatches(read, match.sourceLabels ?? {})) return false;
  return !match.sourceNamespace || namespaceAmong(read, [match.sourceNamespace]) === match.sourceNamespace;
}
