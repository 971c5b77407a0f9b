import type { ConfigObject } from "@fairlead/config";
import { allVirtualServices, type Query, type Reader, type ResolvedVirtualService, sameMembers } from "@fairlead/mesh";
import { type Diagnostic, formatObject, type ObjectRef } from "@fairlead/model";
import { Languages, Undecided } from "./language.ts";
import { RequestSets } from "./request-set.ts";
import { type ComparedRule, comparedRules, joinedRules, RULE_KINDS, type RuleKind } from "./rules.ts";
import { findContested, findDead } from "./shadowing.ts";
import { describeConnection, describeRequest } from "./witness.ts";

/** A place in a document, as messages name it: `mesh.yaml:12`; undefined where it is not known. */
export type PlaceOf = (rule: Pick<ComparedRule["placed"], "source" | "path">) => string | undefined;

/** A diagnostic whose message names other places: objects move in their files and mean the same. */
export interface OverlapFinding extends Omit<Diagnostic, "message" | "position"> {
  readonly object: ObjectRef;
  readonly message: (placeOf: PlaceOf) => string;
}

/** What rules of a kind match. */
const UNIT = { http: "requests", tls: "connections", tcp: "connections" } as const satisfies Record<RuleKind, string>;

/** Where rules are compared: within one VirtualService, or at one gateway for one host. */
interface Setting {
  readonly kind: RuleKind;
  /** Said in messages; empty within one VirtualService. */
  readonly where: string;
  readonly host: string;
  /** Only findings between rules of two VirtualServices. */
  readonly across: boolean;
}

/**
 * What rules of VirtualServices hide of each other, decided over all requests. Codes: `unreachable-rule`, `contested-rule`,
 * `host-claimed-twice`. What cannot be decided within bounds is not reported.
 */
export function overlapFindings(read: Reader): readonly OverlapFinding[] {
  const found = allVirtualServices(read).flatMap((service) => [...read.ask(within, service)]);
  for (const [gateway, byHost] of read.ask(claimants, undefined))
    for (const [host, claiming] of byHost) if (claiming.length > 1) found.push(...read.ask(across, { gateway, host }));
  const seen = new Set<string>();
  return found.filter(({ code, object, path }) => {
    const key = `${code} ${formatObject(object)} ${path}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Between rules of one VirtualService. */
const within: Query<ResolvedVirtualService, readonly OverlapFinding[]> = {
  name: "overlap within",
  key: (service) => service,
  compute(_, service) {
    // Terms are kept for one VirtualService only, so that a large mesh does not add up.
    const sets = new RequestSets(new Languages());
    return RULE_KINDS.flatMap((kind) => {
      const setting = { kind, where: "", host: service.hosts[0] ?? "*", across: false };
      return [...compare(sets, comparedRules(sets, service, kind), setting)];
    });
  },
};

interface Place {
  readonly gateway: string;
  readonly host: string;
}

/** VirtualServices by gateway and host, the oldest first. */
const claimants: Query<void, ReadonlyMap<string, ReadonlyMap<string, readonly ResolvedVirtualService[]>>> = {
  name: "overlap claimants",
  key: () => "",
  compute(read) {
    const index = new Map<string, Map<string, ResolvedVirtualService[]>>();
    for (const service of allVirtualServices(read))
      for (const gateway of new Set(service.gateways)) {
        const byHost = index.get(gateway) ?? new Map<string, ResolvedVirtualService[]>();
        index.set(gateway, byHost);
        for (const host of new Set(service.hosts)) byHost.set(host, [...(byHost.get(host) ?? []), service]);
      }
    return index;
  },
};

const claimantsAt: Query<Place, readonly ResolvedVirtualService[]> = {
  name: "overlap claimants at",
  key: ({ gateway, host }) => `${gateway}|${host}`,
  compute: (read, { gateway, host }) => read.ask(claimants, undefined).get(gateway)?.get(host) ?? [],
  equal: sameMembers,
};

/** Between VirtualServices that name one host at one gateway. */
const across: Query<Place, readonly OverlapFinding[]> = {
  name: "overlap across",
  key: ({ gateway, host }) => `${gateway}|${host}`,
  compute(read, { gateway, host }) {
    const claiming = read.ask(claimantsAt, { gateway, host });
    const inMesh = gateway === "mesh";
    const found = inMesh ? [...claimedTwice(host, claiming)] : [];
    const joined = inMesh ? claiming.filter(isPublic) : joinsAll(read, gateway, claiming) ? claiming : [];
    if (joined.length < 2) return found;
    const sets = new RequestSets(new Languages());
    const at = inMesh ? "in the mesh" : `at gateway ${gateway}`;
    for (const kind of inMesh ? (["tls", "tcp"] as const) : RULE_KINDS) {
      const rules = joined.map((service) => comparedRules(sets, service, kind, [gateway]));
      const setting = { kind, where: ` ${at} for host ${host}`, host, across: true };
      found.push(...compare(sets, kind === "http" ? joinedRules(rules) : rules.flat(), setting));
    }
    return found;
  },
};

/** Whether everybody sees it. */
function isPublic({ visibility }: ResolvedVirtualService): boolean {
  return visibility === "public";
}

/** Whether the gateway has all of these for the host whatever the server: nobody's exports or namespace leave one out. */
function joinsAll(read: Reader, gateway: string, services: readonly ResolvedVirtualService[]): boolean {
  const [namespace = "", name] = gateway.split("/");
  const objects = (read.bucket("config", `Gateway/${namespace}`) ?? []) as readonly ConfigObject<"Gateway">[];
  const object = objects.find(({ metadata }) => metadata.name === name);
  const hosts = object?.spec.servers?.flatMap((server) => server.hosts) ?? [];
  return services.every(isPublic) && object !== undefined && !hosts.some((host) => host.includes("/"));
}

function* compare(sets: RequestSets, rules: readonly ComparedRule[], setting: Setting): Iterable<OverlapFinding> {
  for (const [index, rule] of rules.entries()) {
    const earlier = rules.slice(0, index);
    try {
      const dead = [...deadMatches(sets, rule, earlier, setting)];
      yield* dead;
      if (dead.length > 0) continue;
      const contested = contestedRule(sets, rule, earlier, setting);
      if (contested) yield contested;
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
    }
  }
}

function nameOf({ placed, service }: ComparedRule, other: ComparedRule, placeOf: PlaceOf): string {
  const foreign = placed.source !== other.placed.source && service !== other.service;
  const isDelegate = placed.source.name !== other.placed.source.name || foreign;
  const place = placeOf(placed);
  return `${isDelegate ? `${formatObject(placed.source)} ` : ""}${placed.path}${place ? ` (${place})` : ""}`;
}

/** Who takes something from a rule, and that they do. */
function takers(by: readonly ComparedRule[], from: ComparedRule, placeOf: PlaceOf): string {
  return `${by.map((one) => nameOf(one, from, placeOf)).join(", ")} ${by.length === 1 ? "takes" : "together take"}`;
}

function* deadMatches(
  sets: RequestSets,
  rule: ComparedRule,
  earlier: readonly ComparedRule[],
  { kind, where, across }: Setting,
): Iterable<OverlapFinding> {
  const dead = rule.matches.flatMap((match, at) => {
    const found = findDead(sets, match, earlier);
    if (!found || (across && found.by.every(({ service }) => service === rule.service))) return [];
    return [{ index: rule.indices[at], by: found.by, property: sets.emptyIn(match) }];
  });
  const whole = rule.complete && dead.length === rule.matches.length && dead.length > 0;
  const { source, path } = rule.placed;
  const finding = (at: string, message: OverlapFinding["message"]): OverlapFinding => {
    return { code: "unreachable-rule", severity: "warning", object: source, path: at, message };
  };
  const impossible = dead.find(({ by }) => by.length === 0);
  if (whole && !impossible) {
    const by = [...new Set(dead.flatMap((one) => one.by))];
    yield finding(path, (placeOf) => `is never reached${where}: ${takers(by, rule, placeOf)} all its ${UNIT[kind]}`);
    return;
  }
  for (const { index, by, property } of dead) {
    // The matches of a delegate's rule are joined with those of its root: they are written nowhere as they are.
    const isDelegated = source.name !== rule.service.name || source.namespace !== rule.service.namespace;
    const at = index === undefined || isDelegated ? path : `${path}.match[${index}]`;
    yield by.length === 0
      ? finding(at, () => `matches no ${UNIT[kind].slice(0, -1)}: nothing can satisfy what it asks of the ${property}`)
      : finding(
          at,
          (placeOf) => `is never the first to match${where}: ${takers(by, rule, placeOf)} all its ${UNIT[kind]}`,
        );
  }
}

function contestedRule(
  sets: RequestSets,
  rule: ComparedRule,
  earlier: readonly ComparedRule[],
  { kind, where, host, across }: Setting,
): OverlapFinding | undefined {
  for (const [index, other] of earlier.entries()) {
    if (other.action === rule.action || other.placed === rule.placed || (across && other.service === rule.service))
      continue;
    const contested = findContested(sets, rule, other, earlier.slice(0, index));
    if (!contested) continue;
    const { source, path } = rule.placed;
    const request = kind === "http" ? describeRequest(sets, contested, host) : describeConnection(sets, contested);
    const message = (placeOf: PlaceOf) =>
      `shares ${UNIT[kind]} with ${nameOf(other, rule, placeOf)}, which gets them because it is earlier${where}; such as ${request}`;
    return { code: "contested-rule", severity: "info", object: source, path, message };
  }
  return undefined;
}

/**
 * In the mesh the HTTP rules of VirtualServices of one host are not joined (those for TLS and TCP are). Only where everybody
 * sees both it is sure which one holds.
 */
function* claimedTwice(host: string, services: readonly ResolvedVirtualService[]): Iterable<OverlapFinding> {
  const [winner, ...others] = services.filter(isPublic);
  for (const loser of others) {
    if (!winner) return;
    if (loser.http.length === 0) continue;
    const object = { kind: "VirtualService", namespace: loser.namespace, name: loser.name };
    const source = { kind: "VirtualService", namespace: winner.namespace, name: winner.name };
    const kept = [
      ...loser.gateways.filter((gateway) => gateway !== "mesh").map((gateway) => `at gateway ${gateway}`),
      ...loser.hosts.filter((other) => other !== host).map((other) => `for host ${other}`),
    ];
    const index = loser.hosts.indexOf(host);
    yield {
      code: "host-claimed-twice",
      severity: "warning",
      object,
      path: `spec.hosts[${index}]`,
      message(placeOf) {
        const place = placeOf({ source, path: "spec.hosts" });
        return `${host} in the mesh is that of the older VirtualService ${winner.namespace}/${winner.name}${place ? ` (${place})` : ""}; the rules here (${loser.http.length} http) have no effect for it${kept.length > 0 ? `, only ${kept.join(" and ")}` : ""}`;
      },
    };
  }
}
