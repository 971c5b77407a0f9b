import type { DiscoveryServer } from "@fairlead/xds/server";
import { ControlPlaneError } from "./control-plane-error.ts";
import type { Clock } from "./scheduler.ts";

/** Looks until everybody has accepted everything; the server tells of ACKs, but also of streams that go. */
export function converged(server: DiscoveryServer, clock: Clock, timeout: number): Promise<void> {
  const lagging = () =>
    server.clients().filter((client) => client.types.length === 0 || client.types.some((type) => !type.synced));
  return new Promise((resolve, reject) => {
    const end = clock.now() + timeout;
    const look = () => {
      const late = lagging();
      if (late.length === 0) return resolve();
      if (clock.now() >= end) {
        const names = late.slice(0, 10).map(({ node, types }) => {
          const nacks = types.flatMap(({ shortName, lastNack }) =>
            lastNack ? [`${shortName}: ${lastNack.message}`] : [],
          );
          return `${node.id}${nacks.length > 0 ? ` (${nacks.join("; ")})` : ""}`;
        });
        return reject(
          new ControlPlaneError(
            "not-converged",
            `${late.length} proxies have not accepted everything after ${timeout} ms: ${names.join(", ")}`,
          ),
        );
      }
      clock.after(5, look);
    };
    // What the sources have just told reaches the streams in the next turns of the event loop.
    clock.after(0, look);
  });
}
