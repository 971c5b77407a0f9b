import type { ClientStatus, DiscoveryServer, Holding } from "@fairlead/xds/server";
import { ControlPlaneError } from "./control-plane-error.ts";
import type { Clock } from "./scheduler.ts";

export interface ConvergenceOptions {
  readonly server: DiscoveryServer;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly timeout: number;
  /** What is waited for, where that is not everything. */
  readonly holdings?: () => readonly Holding[];
}

/** Looks until everybody has accepted everything, or the holdings; the server tells of ACKs, but also of streams that go. */
export function converged({ server, clock, timeout, holdings }: ConvergenceOptions): Promise<void> {
  const lagging = () => {
    const clients = server.clients();
    if (!holdings) return clients.filter(({ types }) => types.length === 0 || types.some(({ synced }) => !synced));
    const late = new Set(holdings().flatMap(({ state, client }) => (state === "accepted" ? [] : [client])));
    return clients.filter(({ id }) => late.has(id));
  };
  return new Promise((resolve, reject) => {
    const end = clock.now() + timeout;
    const look = () => {
      const late = lagging();
      if (late.length === 0) return resolve();
      if (clock.now() >= end) {
        const names = late.slice(0, 10).map(nameOf).join(", ");
        const what = `${late.length} proxies have not accepted ${holdings ? "it" : "everything"} after ${timeout} ms`;
        return reject(new ControlPlaneError("not-converged", `${what}: ${names}`));
      }
      clock.after(5, look);
    };
    // What the sources have just told reaches the streams in the next turns of the event loop.
    clock.after(0, look);
  });
}

function nameOf({ node, types }: ClientStatus): string {
  const nacks = types.flatMap(({ shortName, lastNack }) => (lastNack ? [`${shortName}: ${lastNack.message}`] : []));
  return `${node.id}${nacks.length > 0 ? ` (${nacks.join("; ")})` : ""}`;
}
