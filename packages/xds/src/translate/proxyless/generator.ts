import type { Generator } from "../generated.ts";
import { isProxyless } from "../listener/node-settings.ts";

/** Leaves the choice to the node: what Envoys get, or what gRPC without a proxy takes. */
export function chosen<R>(envoy: Generator<R>, proxyless: Generator<R>): Generator<R> {
  const of = (read: Parameters<Generator<R>["units"]>[0]) => (isProxyless(read) ? proxyless : envoy);
  return {
    units: (read) => of(read).units(read),
    diagnostics: (read) => of(read).diagnostics?.(read) ?? [],
    generate: (read, unit, provenance) => of(read).generate(read, unit, provenance),
  };
}
