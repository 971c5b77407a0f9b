import { tidy } from "../route/random.ts";
import type { ClusterMoment, HostMoment } from "./cluster-clock.ts";
import { milliseconds } from "./scenario.ts";

/** A destination at a moment. */
export interface DestinationMoment {
  readonly cluster: string;
  readonly service: string;
  readonly subset: string;
  /** Of all requests. */
  readonly share: number;
  readonly endpoints: readonly HostMoment[];
  readonly panic: readonly number[];
  /** Of the destination's requests, those that a circuit breaker turns away. */
  readonly overflow: number;
  /** Retries for each of the destination's requests. */
  readonly retries: number;
}

/** How things are from one moment to the next. */
export interface Moment {
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** What happened at that moment. */
  readonly causes: readonly string[];
  readonly destinations: readonly DestinationMoment[];
  /** The share of the requests that fail in the end: after their retries, for want of an endpoint, at a circuit breaker. */
  readonly failed: number;
  /** The share whose first attempt fails. */
  readonly failedAtFirst: number;
}

/** Endpoints by where or what they are. */
export interface Part {
  readonly zone?: string;
  readonly region?: string;
  /** Address, or `ADDRESS:PORT`. */
  readonly endpoint?: string;
  /** `reviews.default`, or the full host name. */
  readonly service?: string;
  readonly subset?: string;
}

/** What should be so, and by when. */
export interface ExpectedShift extends Part {
  /** Of all requests, 0 to 1. */
  readonly share: number;
  /** How long it may take: `10s`. */
  readonly within: string;
  /** From when on. Default: the beginning. */
  readonly after?: string;
}

/** What failover comes to: moments at which something changes, in order. */
export interface Timeline {
  readonly moments: readonly Moment[];
  /** How things are at a time: `12s`. */
  at(time: string): Moment;
  /** The share of all requests that goes to a part, at a time. */
  share(part: Part, time: string): number;
  /** When the part first has this share, in milliseconds, at or after a time (default: the beginning); undefined: never. */
  when(part: Part, share: number, after?: string): number | undefined;
  /** A line for each thing that happens. */
  explain(): string;
}

interface Target {
  readonly name: string;
  readonly service: string;
  readonly subset: string;
  readonly share: number;
  readonly moments: readonly ClusterMoment[];
}

/** Puts the clocks of the clusters together. */
export function timelineOf(targets: readonly Target[], until: number): Timeline {
  const times = [...new Set(targets.flatMap(({ moments }) => moments.map(({ at }) => at)))].sort((a, b) => a - b);
  const moments = (times.length === 0 ? [0] : times).map((at) => momentAt(targets, at));
  const at = (time: string) => {
    const wanted = milliseconds(time, "a time");
    return moments.findLast((moment) => moment.at <= wanted) ?? momentAt(targets, wanted);
  };
  return {
    moments,
    at,
    share: (part, time) => shareOf(at(time), part),
    when(part, share, after = "0s") {
      const start = milliseconds(after, "after");
      const fits = (moment: Moment) => Math.abs(shareOf(moment, part) - share) < 1e-9;
      if (fits(at(after))) return start;
      return moments.find((moment) => moment.at >= start && fits(moment))?.at;
    },
    explain: () => [...moments.flatMap(describe), `${until / 1000}s: the end`].join("\n"),
  };
}

function momentAt(targets: readonly Target[], at: number): Moment {
  const now = targets.map((target) => ({ target, moment: target.moments.findLast((one) => one.at <= at) }));
  const destinations = now.map(({ target: { name, service, subset, share }, moment }) => ({
    cluster: name,
    service,
    subset,
    share,
    endpoints: moment?.hosts ?? [],
    panic: moment?.panic ?? [],
    overflow: moment?.overflow ?? 0,
    retries: moment?.retries ?? 0,
  }));
  const causes = now.flatMap(({ moment }) => (moment?.at === at ? moment.causes : []));
  const sum = (of: (moment: ClusterMoment) => number) =>
    tidy(now.reduce((total, { target, moment }) => total + target.share * (moment ? of(moment) : 1), 0));
  return {
    at,
    causes: [...new Set(causes)],
    destinations,
    failed: sum(({ failed }) => failed),
    failedAtFirst: sum(({ failedAtFirst }) => failedAtFirst),
  };
}

function shareOf({ destinations }: Moment, { service, subset, zone, region, endpoint }: Part): number {
  const taken = destinations.filter(
    (one) =>
      (service === undefined || one.service === service || one.service.startsWith(`${service}.svc.`)) &&
      (subset === undefined || one.subset === subset),
  );
  const sum = taken.reduce((total, { share, endpoints }) => {
    const fitting = endpoints.filter(
      ({ locality, address }) =>
        (zone === undefined || zone === locality.zone || zone === `${locality.region ?? ""}/${locality.zone ?? ""}`) &&
        (region === undefined || region === locality.region) &&
        (endpoint === undefined || endpoint === address || address.startsWith(`${endpoint}:`)),
    );
    return total + share * fitting.reduce((own, one) => own + one.share, 0);
  }, 0);
  return tidy(sum);
}

const percent = (share: number) => `${Number((share * 100).toPrecision(4))} %`;

function describe({ at, causes, destinations, failed }: Moment): readonly string[] {
  const places = new Map<string, number>();
  for (const { share, endpoints } of destinations)
    for (const one of endpoints) {
      const place = [one.locality.region, one.locality.zone].filter(Boolean).join("/") || one.address;
      places.set(place, (places.get(place) ?? 0) + share * one.share);
    }
  const spread = [...places].map(([place, share]) => `${place} ${percent(share)}`).join(", ");
  const panic = destinations.some((one) => one.panic.length > 0) ? "; panic" : "";
  const ills = failed > 0 ? `; ${percent(failed)} fail` : "";
  return [`${at / 1000}s: ${causes.join("; ")}`, `    ${spread || "no endpoint"}${ills}${panic}`];
}
