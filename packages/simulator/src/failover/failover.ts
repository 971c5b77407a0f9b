import type { Mesh } from "@fairlead/mesh";
import { transportTo } from "../cluster/transport.ts";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";
import { evaluateResources } from "../evaluate-resources.ts";
import { entryPoint } from "../mesh/entry.ts";
import { findNode } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import { parseRequest } from "../request.ts";
import { indexOf } from "../resources.ts";
import { breakersOf } from "./breaker.ts";
import { runCluster } from "./cluster-clock.ts";
import { hostsOf } from "./host.ts";
import { retriesOf } from "./retry.ts";
import { type FailoverEvent, milliseconds, type TimedEvent, timedEvents } from "./scenario.ts";
import { type Timeline, timelineOf } from "./timeline.ts";

/** A request that is made again and again, and what happens meanwhile. */
export interface FailoverScenario extends Question {
  readonly events: readonly FailoverEvent[];
  /** Of the calling proxy: outlier detection is each proxy's own. Default 10. */
  readonly requestsPerSecond?: number;
  /** How long an endpoint takes to answer when it is well. Default `0s`. */
  readonly latency?: string;
  /** How long until proxies hear of endpoints that are gone or back. Default `0s`. */
  readonly propagation?: string;
  /** Default: 60 s after the last event. */
  readonly until?: string;
}

/**
 * Where requests go while endpoints die, slow down and come back: a virtual clock over what the proxy was sent. Outlier ejection, panic,
 * priorities with overprovisioning, locality weights, retries with their budget, and circuit breakers are Envoy's; load is even.
 * Circuit breakers need a latency: requests that take no time are never many. Pure. Throws `SimulatorError` for events that name nobody.
 */
export function failover(mesh: Mesh, scenario: FailoverScenario): Timeline {
  const { from, events, requestsPerSecond = 10, propagation = "0s" } = scenario;
  if (!(requestsPerSecond > 0))
    throw new SimulatorError("malformed-scenario", `requestsPerSecond is ${requestsPerSecond}, and must be above 0`);
  const node = typeof from === "string" ? findNode(mesh, from) : from;
  const { clusters, endpoints } = indexOf(worldOf(mesh, node).resources);
  const { destinations } = evaluate(mesh, scenario);
  const parsed = parseRequest(scenario.request);
  const call = entryPoint(mesh, node, parsed, scenario);
  const { branches } = evaluateResources(worldOf(mesh, node).resources, call);
  const latency = milliseconds(scenario.latency ?? "0s", "latency");
  const targets = destinations.flatMap(({ cluster: name, service, subset, share }) => {
    const cluster = clusters.get(name);
    if (cluster === undefined) return [];
    const assignment = cluster.loadAssignment ?? endpoints.get(cluster.edsClusterConfig?.serviceName || name);
    return [{ name, service, subset, share, cluster, assignment }];
  });
  const timed = timedEvents(
    events,
    targets.flatMap(({ assignment }) => hostsOf(assignment)),
  );
  const policies = new Map(
    branches.flatMap((branch) => (branch.kind === "forward" ? [[branch.cluster, branch.retryPolicy] as const] : [])),
  );
  const delay = milliseconds(propagation, "propagation");
  const last = Math.max(0, ...timed.map(({ at }) => at));
  const until = scenario.until === undefined ? last + delay + 60_000 : milliseconds(scenario.until, "until");
  const heard = timed.flatMap((event) => propagated(event, delay)).sort((a, b) => a.at - b.at);
  return timelineOf(
    targets.map(({ cluster, assignment, share, ...target }) => ({
      ...target,
      share,
      moments: runCluster(cluster, assignment, heard, {
        rate: requestsPerSecond * share,
        until,
        latency,
        retries: retriesOf(policies.get(target.name), (text) => milliseconds(text, "back-off")),
        breakers: breakersOf(cluster, transportTo(cluster, undefined, parsed.protocol).protocol === "http/2"),
      }),
    })),
    until,
  );
}

/** What is gone refuses connections until the proxies hear of it. */
function propagated(event: TimedEvent, delay: number): readonly TimedEvent[] {
  if (delay === 0 || ["failing", "unreachable", "slow"].includes(event.is)) return [event];
  const heard = { ...event, at: event.at + delay };
  return event.is === "gone" ? [{ ...event, is: "unreachable" }, heard] : [heard];
}
