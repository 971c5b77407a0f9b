import type { Call } from "../src/evaluate-resources.ts";
import type { Resources } from "../src/resources.ts";

const WAYS = [
  { tls: false, protocol: "http/1.1", alpn: [] },
  { tls: false, protocol: "http/2", alpn: [] },
  { tls: false, protocol: "tcp", alpn: [] },
  { tls: true, protocol: "http/1.1", alpn: ["http/1.1"] },
  { tls: true, protocol: "http/1.1", alpn: ["istio-http/1.1", "istio", "http/1.1"] },
  { tls: true, protocol: "tcp", alpn: ["istio-peer-exchange", "istio"] },
] as const;

/** Calls that arrive at a sidecar: each port in each way, by each peer, with each method and path that its policies name. */
export function inboundCalls(sides: readonly Resources[]): readonly Call[] {
  const text = JSON.stringify(
    sides.map(({ listeners }) => listeners.filter((one) => one.trafficDirection === "INBOUND")),
  );
  const named = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
  const ports = [...named(/"destinationPort":(\d+)/g).map(Number), 12_345];
  const peers = [
    undefined,
    "spiffe://cluster.local/ns/default/sa/default",
    ...named(/"(?:exact|prefix)":"((?:spiffe:\/\/)?[\w.-]+\/ns\/[^"]*)"/g).map(
      (peer) => `spiffe://${peer.replace("spiffe://", "")}`,
    ),
  ];
  const methods = ["GET", ...named(/"exact":"([A-Z]{3,7})"/g)];
  const paths = ["/", ...named(/"(?:exact|prefix)":"(\/[^"]*)"/g)];
  return ports.flatMap((port) =>
    WAYS.flatMap((way) =>
      (way.tls ? peers : [undefined]).flatMap((peer) =>
        (way.protocol === "tcp" ? ["GET"] : methods).flatMap((method) =>
          (way.protocol === "tcp" ? ["/"] : paths).map((path) => call(port, way, peer, method, path)),
        ),
      ),
    ),
  );
}

function call(port: number, way: (typeof WAYS)[number], peer: string | undefined, method: string, path: string): Call {
  const headers = new Map([
    [":authority", "callee"],
    [":method", method],
    [":path", path],
    [":scheme", way.tls ? "https" : "http"],
  ]);
  return {
    entry: "inbound",
    connection: {
      destination: { address: "10.9.9.9", port },
      source: { address: "10.8.8.8", port: 50_000 },
      ...way,
      sni: way.tls ? `outbound_.${port}_._.callee.default.svc.cluster.local` : "",
      ...(peer !== undefined && { peer: { uris: [peer] } }),
    },
    ...(way.protocol !== "tcp" && { request: { path, pathname: path, headers, metadata: new Map<string, unknown>() } }),
  };
}
