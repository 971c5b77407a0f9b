import type { ConfigObject } from "@fairlead/config";
import { allVirtualServices, type Reader, type ResolvedVirtualService } from "@fairlead/mesh";
import { type Diagnostic, formatObject } from "@fairlead/model";
import { Languages, Undecided } from "./language.ts";
import { RequestSets } from "./request-set.ts";
import { type ComparedRule, comparedRules, joinedRules } from "./rules.ts";
import { findContested, findDead } from "./shadowing.ts";
import { describeRequest } from "./witness.ts";

/** A place in a document, as messages name it: `mesh.yaml:12`; undefined where it is not known. */
export type PlaceOf = (rule: Pick<ComparedRule["placed"], "source" | "path">) => string | undefined;

/** Where rules are compared: within one VirtualService, or at one gateway for one host. */
interface Setting {
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
export function overlapDiagnostics(read: Reader, placeOf: PlaceOf): readonly Diagnostic[] {
  const services = allVirtualServices(read);
  const found: Diagnostic[] = [];
  for (const service of services) {
    // Terms are kept for one VirtualService only, so that a large mesh does not add up.
    const sets = new RequestSets(new Languages());
    const setting = { where: "", host: service.hosts[0] ?? "*", across: false };
    found.push(...compare(sets, comparedRules(sets, service), setting, placeOf));
  }
  for (const [gateway, byHost] of servicesByGateway(services))
    for (const [host, claiming] of byHost) {
      if (claiming.length < 2) continue;
      if (gateway === "mesh") found.push(...claimedTwice(host, claiming, placeOf));
      else if (joinsAll(read, gateway, claiming)) {
        const sets = new RequestSets(new Languages());
        const rules = joinedRules(claiming.map((service) => comparedRules(sets, service, [gateway])));
        const setting = { where: ` at gateway ${gateway} for host ${host}`, host, across: true };
        found.push(...compare(sets, rules, setting, placeOf));
      }
    }
  const seen = new Set<string>();
  return found.filter(({ code, object, path }) => {
    const key = `${code} ${object && formatObject(object)} ${path}`;
    return !seen.has(key) && seen.add(key);
  });
}

function servicesByGateway(services: readonly ResolvedVirtualService[]) {
  const index = new Map<string, Map<string, ResolvedVirtualService[]>>();
  for (const service of services)
    for (const gateway of new Set(service.gateways)) {
      const byHost = index.get(gateway) ?? new Map<string, ResolvedVirtualService[]>();
      index.set(gateway, byHost);
      for (const host of new Set(service.hosts)) byHost.set(host, [...(byHost.get(host) ?? []), service]);
    }
  return index;
}

/** Whether the gateway has all of these for the host whatever the server: nobody's exports or namespace leave one out. */
function joinsAll(read: Reader, gateway: string, services: readonly ResolvedVirtualService[]): boolean {
  const [namespace = "", name] = gateway.split("/");
  const objects = (read.bucket("config", `Gateway/${namespace}`) ?? []) as readonly ConfigObject<"Gateway">[];
  const object = objects.find(({ metadata }) => metadata.name === name);
  const hosts = object?.spec.servers?.flatMap((server) => server.hosts) ?? [];
  return (
    services.every(({ visibility }) => visibility === "public") &&
    object !== undefined &&
    !hosts.some((host) => host.includes("/"))
  );
}

function* compare(
  sets: RequestSets,
  rules: readonly ComparedRule[],
  setting: Setting,
  placeOf: PlaceOf,
): Iterable<Diagnostic> {
  for (const [index, rule] of rules.entries()) {
    const earlier = rules.slice(0, index);
    try {
      const dead = [...deadMatches(sets, rule, earlier, setting, placeOf)];
      yield* dead;
      if (dead.length > 0) continue;
      const contested = contestedRule(sets, rule, earlier, setting, placeOf);
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

function* deadMatches(
  sets: RequestSets,
  rule: ComparedRule,
  earlier: readonly ComparedRule[],
  { where, across }: Setting,
  placeOf: PlaceOf,
): Iterable<Diagnostic> {
  const dead = rule.matches.flatMap((match, at) => {
    const found = findDead(sets, match, earlier);
    if (!found || (across && found.by.every(({ service }) => service === rule.service))) return [];
    return [{ index: rule.indices[at], by: found.by, property: sets.emptyIn(match) }];
  });
  const whole = rule.complete && dead.length === rule.matches.length && dead.length > 0;
  const { source, path } = rule.placed;
  const finding = (at: string, message: string): Diagnostic => {
    return { code: "unreachable-rule", severity: "warning", object: source, path: at, message };
  };
  const impossible = dead.find(({ by }) => by.length === 0);
  if (whole && !impossible) {
    const by = [...new Set(dead.flatMap((one) => one.by))];
    const names = by.map((one) => nameOf(one, rule, placeOf)).join(", ");
    yield finding(
      path,
      `is never reached${where}: ${names} ${by.length === 1 ? "takes" : "together take"} all its requests`,
    );
    return;
  }
  for (const { index, by, property } of dead) {
    // The matches of a delegate's rule are joined with those of its root: they are written nowhere as they are.
    const isDelegated = source.name !== rule.service.name || source.namespace !== rule.service.namespace;
    const at = index === undefined || isDelegated ? path : `${path}.match[${index}]`;
    const names = by.map((one) => nameOf(one, rule, placeOf)).join(", ");
    yield by.length === 0
      ? finding(at, `matches no request: nothing can satisfy what it asks of the ${property}`)
      : finding(
          at,
          `is never the first to match${where}: ${names} ${by.length === 1 ? "takes" : "together take"} all its requests`,
        );
  }
}

function contestedRule(
  sets: RequestSets,
  rule: ComparedRule,
  earlier: readonly ComparedRule[],
  { where, host, across }: Setting,
  placeOf: PlaceOf,
): Diagnostic | undefined {
  for (const [index, other] of earlier.entries()) {
    if (other.action === rule.action || other.placed === rule.placed || (across && other.service === rule.service))
      continue;
    const contested = findContested(sets, rule, other, earlier.slice(0, index));
    if (!contested) continue;
    const { source, path } = rule.placed;
    const request = describeRequest(sets, contested, host);
    const message = `shares requests with ${nameOf(other, rule, placeOf)}, which gets them because it is earlier${where}; such as ${request}`;
    return { code: "contested-rule", severity: "info", object: source, path, message };
  }
  return undefined;
}

/** In the mesh VirtualServices of one host are not joined. Only where everybody sees both it is sure which one holds. */
function* claimedTwice(
  host: string,
  services: readonly ResolvedVirtualService[],
  placeOf: PlaceOf,
): Iterable<Diagnostic> {
  const [winner, ...others] = services.filter(({ visibility }) => visibility === "public");
  for (const loser of others) {
    if (!winner) return;
    const object = { kind: "VirtualService", namespace: loser.namespace, name: loser.name };
    const source = { kind: "VirtualService", namespace: winner.namespace, name: winner.name };
    const place = placeOf({ source, path: "spec.hosts" });
    const kinds = (["http", "tls", "tcp"] as const).flatMap((kind) =>
      loser[kind].length > 0 ? [`${loser[kind].length} ${kind}`] : [],
    );
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
      message: `${host} in the mesh is that of the older VirtualService ${winner.namespace}/${winner.name}${place ? ` (${place})` : ""}; the rules here (${kinds.join(", ")}) have no effect for it${kept.length > 0 ? `, only ${kept.join(" and ")}` : ""}`,
    };
  }
}
