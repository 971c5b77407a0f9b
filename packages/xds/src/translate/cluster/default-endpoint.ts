import type { Reader } from "@fairlead/mesh";
import { isIPv6, isUnixSocket, LOCALHOSTS } from "../listener/address.ts";
import { addressFamilyOf } from "../listener/node-settings.ts";

/**
 * Where a Sidecar's ingress listener sends requests: `127.0.0.1:PORT` or `[::1]:PORT` the workload on loopback,
 * `0.0.0.0:PORT` or `[::]:PORT` the workload on the proxy's own address of that family, `unix:///path` a socket.
 * Source: Istio API, `IstioIngressListener.default_endpoint`.
 */
export function defaultEndpointAddress(
  read: Reader,
  endpoint: string,
): { readonly host: string; readonly port: number } | "invalid" {
  if (isUnixSocket(endpoint)) return { host: endpoint, port: 0 };
  const colon = endpoint.lastIndexOf(":");
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, "");
  const port = Number(endpoint.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port) || port <= 0) return "invalid";
  if (host === "0.0.0.0" || host === "::") {
    const six = host === "::";
    const own = read.fact(`first IPv${six ? 6 : 4} address`, (node) =>
      node.ipAddresses.find((address) => isIPv6(address) === six),
    );
    return { host: own ?? (six ? "::1" : "127.0.0.1"), port };
  }
  const family = addressFamilyOf(read);
  const six = host === "::1";
  if (host === "127.0.0.1" || six) return { host: family === "Dual" ? host : LOCALHOSTS[family][0], port };
  return "invalid";
}
