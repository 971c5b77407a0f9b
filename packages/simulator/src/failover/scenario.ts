import { parseDuration } from "@fairlead/config";
import { SimulatorError } from "../error.ts";
import { knownNames } from "../mesh/nearest.ts";
import type { Host } from "./host.ts";

/**
 * What becomes of an endpoint. `gone`: it dies and is taken from the registry; until proxies hear of it, connections are
 * refused. `unhealthy`: the control plane reports it so. `failing`: it stays and answers every request with `status`.
 * `unreachable`: it stays and refuses connections. `slow`: it answers after `latency`. `back`: it serves again, as at the beginning.
 */
export type Fate = "gone" | "unhealthy" | "failing" | "unreachable" | "slow" | "back";

/** Something that happens at a moment to the endpoints it names. */
export interface FailoverEvent {
  /** From the beginning: `5s`, `500ms`. */
  readonly at: string;
  readonly is: Fate;
  /** For `failing`. Default 503. */
  readonly status?: number;
  /** For `slow`: `2s`. */
  readonly latency?: string;
  /** The endpoints: of a zone (`b`, or `region/b`), of a region, or one by its address or `ADDRESS:PORT`. All that are given must hold. */
  readonly zone?: string;
  readonly region?: string;
  readonly endpoint?: string;
}

/** An event with its time in milliseconds. */
export interface TimedEvent extends Omit<FailoverEvent, "at" | "latency"> {
  readonly at: number;
  /** Milliseconds. */
  readonly latency?: number;
}

/** Milliseconds of a duration (`10s`); anything else is an error of the scenario. */
export function milliseconds(text: string, what: string): number {
  const parsed = parseDuration(text);
  if (parsed === undefined || parsed < 0)
    throw new SimulatorError(
      "malformed-scenario",
      `${what}: ${JSON.stringify(text)} is no duration such as 10s or 500ms`,
    );
  return parsed;
}

/** The events in order. Ones that name nobody are errors. */
export function timedEvents(events: readonly FailoverEvent[], hosts: readonly Host[]): readonly TimedEvent[] {
  const timed = events.map((event): TimedEvent => {
    if (event.zone === undefined && event.region === undefined && event.endpoint === undefined)
      throw new SimulatorError("malformed-scenario", `the event at ${event.at} names no zone, region or endpoint`);
    if (!hosts.some((host) => isMeant(event, host))) {
      const { key, wanted, known } = names(event, hosts);
      throw new SimulatorError(
        "unknown-target",
        `no endpoint that the request may reach has the ${key} ${wanted}; ${knownNames(wanted, known)}`,
      );
    }
    const { latency, ...rest } = event;
    if ((event.is === "slow") !== (latency !== undefined))
      throw new SimulatorError(
        "malformed-scenario",
        `the event at ${event.at}: latency is for what is slow, which needs one`,
      );
    const at = milliseconds(event.at, "at");
    return { ...rest, at, ...(latency !== undefined && { latency: milliseconds(latency, "latency") }) };
  });
  return timed.sort((a, b) => a.at - b.at);
}

/** Whether an event is about a host. */
export function isMeant(
  { zone, region, endpoint }: Pick<FailoverEvent, "zone" | "region" | "endpoint">,
  { locality, address, host }: Host,
): boolean {
  const inZone =
    zone === undefined || zone === locality.zone || zone === `${locality.region ?? ""}/${locality.zone ?? ""}`;
  const inRegion = region === undefined || region === locality.region;
  return inZone && inRegion && (endpoint === undefined || endpoint === address || endpoint === host);
}

function names({ zone, region, endpoint }: FailoverEvent, hosts: readonly Host[]) {
  if (endpoint !== undefined) return { key: "address", wanted: endpoint, known: hosts.map(({ address }) => address) };
  if (zone !== undefined) return { key: "zone", wanted: zone, known: hosts.map(({ locality }) => locality.zone ?? "") };
  return { key: "region", wanted: region ?? "", known: hosts.map(({ locality }) => locality.region ?? "") };
}
