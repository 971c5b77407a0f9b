import type { Listener } from "../envoy.ts";
import type { Tracer } from "../trace.ts";

/**
 * How a connection reaches the proxy: `outbound` and `inbound` are redirected to it (the original destination counts),
 * `bound` is dialled at an address the proxy listens on.
 */
export type Entry = "outbound" | "inbound" | "bound";

const ANY = new Set(["0.0.0.0", "::"]);

interface Bound {
  readonly address: string;
  readonly port: number;
}

function addressesOf(listener: Listener): readonly Bound[] {
  return [listener.address, ...(listener.additionalAddresses ?? []).map(({ address }) => address)].flatMap((address) =>
    // HTTP/3 has listeners of its own beside those of TCP.
    address?.socketAddress && address.socketAddress.protocol !== "UDP"
      ? [{ address: address.socketAddress.address ?? "", port: address.socketAddress.portValue ?? 0 }]
      : [],
  );
}

function describe(listener: Listener): string {
  return addressesOf(listener)
    .map(({ address, port }) => `${address}:${port}`)
    .join(", ");
}

/** The index of a set of listeners: by address and port. */
export interface ListenerIndex {
  readonly listeners: readonly Listener[];
  readonly byAddress: ReadonlyMap<string, readonly Listener[]>;
}

export function indexListeners(listeners: readonly Listener[]): ListenerIndex {
  const byAddress = new Map<string, Listener[]>();
  for (const listener of listeners)
    for (const { address, port } of addressesOf(listener)) {
      const key = `${ANY.has(address) ? "*" : address}|${port}`;
      byAddress.set(key, [...(byAddress.get(key) ?? []), listener]);
    }
  return { listeners, byAddress };
}

/**
 * The listener that gets a connection. A redirected one goes to the listener of its original address and port, else of
 * any address and that port, else it stays with the listener that took it in (`useOriginalDst`).
 */
export function selectListener(
  index: ListenerIndex,
  entry: Entry,
  { address, port }: Bound,
  tracer?: Tracer,
): Listener | undefined {
  if (entry === "inbound") {
    const inbound = index.listeners.find(
      (listener) =>
        listener.trafficDirection === "INBOUND" &&
        listener.bindToPort !== false &&
        (listener.listenerFilters ?? []).some(({ name }) => name === "envoy.filters.listener.original_dst"),
    );
    const named = index.listeners.find(({ name }) => name === "virtualInbound");
    const found = named ?? inbound ?? pick(index, address, port, (one) => one.trafficDirection === "INBOUND");
    if (found) tracer?.add("listener", found.name ?? "", true, "takes inbound connections of all ports", found);
    else tracer?.add("listener", "inbound", false, "no listener takes inbound connections");
    return found;
  }
  const usable = (listener: Listener) =>
    entry === "bound" ? listener.bindToPort !== false : listener.trafficDirection !== "INBOUND";
  const exact = pick(index, address, port, usable);
  if (exact) {
    tracer?.add("listener", exact.name ?? "", true, `listens on ${describe(exact)}`, exact);
    return exact;
  }
  const capture = entry === "outbound" ? index.listeners.find(captures) : undefined;
  if (capture) {
    const reason = `no listener for ${address}:${port}, so the one that took the connection in keeps it`;
    tracer?.add("listener", capture.name ?? "", true, reason, capture);
    return capture;
  }
  const known = index.listeners.filter(usable).map((one) => `${one.name ?? ""} (${describe(one)})`);
  const others = known.length === 0 ? "there are none" : `there are ${known.slice(0, 12).join(", ")}`;
  tracer?.add("listener", `${address}:${port}`, false, `no listener takes ${address}:${port}; ${others}`);
  return undefined;
}

function captures(listener: Listener): boolean {
  return (listener.useOriginalDst ?? false) && listener.trafficDirection !== "INBOUND";
}

function pick(
  { byAddress }: ListenerIndex,
  address: string,
  port: number,
  usable: (listener: Listener) => boolean,
): Listener | undefined {
  return byAddress.get(`${address}|${port}`)?.find(usable) ?? byAddress.get(`*|${port}`)?.find(usable);
}
