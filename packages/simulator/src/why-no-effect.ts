import type { ConfigObject } from "@fairlead/config";
import type { Mesh } from "@fairlead/mesh";
import { formatObject, type ObjectRef, type Position, resolveShortHost, structurallyEqual } from "@fairlead/model";
import type { Provenance } from "@fairlead/xds/translate";
import { allNodes, groupAlike } from "./diff/proxies.ts";
import { SimulatorError } from "./error.ts";
import { knownNames } from "./mesh/nearest.ts";
import { positionsOf } from "./mesh/positions.ts";
import { worldOf } from "./mesh/world.ts";
import { policyFindings } from "./reach/policy-finding.ts";

export type EffectKind = "VirtualService" | "DestinationRule" | "AuthorizationPolicy";

/** The object to ask about. */
export interface EffectRef {
  readonly kind: EffectKind;
  readonly namespace: string;
  readonly name: string;
}

/** What an object does, and what keeps it or a part of it from doing more. */
export interface Effect {
  /** `NAME.NAMESPACE` of the proxies that are sent something made from it; of proxies alike the first. */
  readonly proxies: readonly string[];
  readonly reasons: readonly EffectReason[];
}

export interface EffectReason {
  readonly message: string;
  /** The part that it is about: `spec.hosts[0]`; empty for the whole. */
  readonly path: string;
  readonly position?: Position;
}

type Reason = readonly [path: string, message: string];

/**
 * Why an object has no effect, or less than it says: hosts that no service has, gateways that are not there, older objects that
 * take its hosts, earlier rules that take its requests, policies that select nobody or are covered by others. Pure. Throws
 * `SimulatorError` when there is no such object.
 */
export function whyNoEffect(mesh: Mesh, { kind, namespace, name }: EffectRef): Effect {
  const ref: ObjectRef = { kind, namespace, name };
  const object = [...mesh.objects(kind)].find(
    ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
  );
  if (!object) {
    const known = [...mesh.objects(kind)].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    throw new SimulatorError(
      "unknown-target",
      `there is no ${kind} ${namespace}/${name}; ${knownNames(`${namespace}/${name}`, known)}`,
    );
  }
  const proxies = groupAlike(allNodes(mesh)).flatMap(([node]) => {
    if (node === undefined) return [];
    const { resources, provenance } = worldOf(mesh, node);
    return isMadeFrom(Object.values(resources), provenance, ref) ? [node.name] : [];
  });
  const locate = positionsOf(mesh);
  const found = reasonsFor(mesh, object);
  const reasons =
    found.length > 0 || proxies.length > 0
      ? found
      : [["", "no proxy of the mesh sees it: see exportTo, selectors and Sidecar scopes"] as const];
  return {
    proxies,
    reasons: reasons.map(([path, message]) => {
      const position = locate?.(ref, path) ?? locate?.(ref, "");
      return { path, message, ...(position && { position }) };
    }),
  };
}

function isMadeFrom(value: unknown, provenance: Provenance, { kind, namespace, name }: ObjectRef): boolean {
  if (typeof value !== "object" || value === null) return false;
  const source = provenance.get(value)?.object;
  if (source?.kind === kind && source.namespace === namespace && source.name === name) return true;
  return Object.values(value).some((inner) => isMadeFrom(inner, provenance, { kind, namespace, name }));
}

type Subject = ConfigObject<EffectKind>;

function reasonsFor(mesh: Mesh, object: Subject): readonly Reason[] {
  if (isKind(object, "VirtualService")) return ofVirtualService(mesh, object);
  if (isKind(object, "DestinationRule")) return ofDestinationRule(mesh, object);
  const { kind, metadata } = object;
  const subject = formatObject({ kind, namespace: metadata.namespace, name: metadata.name });
  return policyFindings(mesh, [], []).flatMap((one): Reason[] =>
    one.subject === subject ? [[one.path, one.message]] : [],
  );
}

function isKind<K extends EffectKind>(object: Subject, kind: K): object is ConfigObject<K> & Subject {
  return object.kind === kind;
}

function unknownHost(mesh: Mesh, host: string, namespace: string): string | undefined {
  const full = resolveShortHost(host, namespace);
  if (full.includes("*") || (mesh.bucket("host", full) ?? []).length > 0) return undefined;
  const known = [...mesh.services()].map(({ hostname }) => hostname);
  return `no service is named ${full}; ${knownNames(full, known)}`;
}

const label = ({ metadata: { namespace, name } }: Subject) => `${namespace}/${name}`;

function ofVirtualService(mesh: Mesh, object: ConfigObject<"VirtualService">): readonly Reason[] {
  const { namespace } = object.metadata;
  const { hosts = [], gateways = ["mesh"], http = [] } = object.spec;
  const forSidecars = gateways.includes("mesh");
  const all = [...mesh.objects("VirtualService")].filter((other) => other !== object);
  const missing = gateways.flatMap((gateway, index): Reason[] => {
    if (gateway === "mesh") return [];
    const [place, name] = gateway.includes("/") ? gateway.split("/") : [namespace, gateway];
    const found = [...mesh.objects("Gateway")].some(
      ({ metadata }) => metadata.namespace === place && metadata.name === name,
    );
    return found ? [] : [[`spec.gateways[${index}]`, `there is no Gateway ${place}/${name}`]];
  });
  const taken = hosts.flatMap((host, index): Reason[] => {
    const path = `spec.hosts[${index}]`;
    const none = forSidecars && gateways.length === 1 ? unknownHost(mesh, host, namespace) : undefined;
    if (none) return [[path, none]];
    const full = resolveShortHost(host, namespace);
    const rival = all.find(
      ({ spec, metadata }) =>
        forSidecars &&
        (spec.gateways ?? ["mesh"]).includes("mesh") &&
        isOlder(metadata, object.metadata) &&
        (spec.hosts ?? []).some((other) => resolveShortHost(other, metadata.namespace) === full),
    );
    return rival
      ? [[path, `VirtualService ${label(rival)} is older and has this host: sidecars take one for a host`]]
      : [];
  });
  const shadowed = http.flatMap((rule, index): Reason[] => {
    const before = http.findIndex(
      (earlier, at) =>
        at < index &&
        (!earlier.match?.length ||
          (!!rule.match?.length &&
            rule.match.every((one) => earlier.match?.some((other) => structurallyEqual(one, other))))),
    );
    return before < 0 ? [] : [[`spec.http[${index}]`, `spec.http[${before}] takes all of its requests before`]];
  });
  return [...missing, ...taken, ...shadowed];
}

interface Aged {
  readonly namespace: string;
  readonly name: string;
  readonly creationTimestamp?: string;
}

/** Of equal age the first by name counts. */
function isOlder(a: Aged, b: Aged): boolean {
  const key = ({ creationTimestamp = "", name, namespace }: Aged) =>
    [creationTimestamp, name, namespace].join("\u0000");
  return key(a) < key(b);
}

function ofDestinationRule(mesh: Mesh, object: ConfigObject<"DestinationRule">): readonly Reason[] {
  const { namespace } = object.metadata;
  const { host = "", trafficPolicy, subsets = [], workloadSelector } = object.spec;
  const none = unknownHost(mesh, host, namespace);
  if (none) return [["spec.host", none]];
  if (!trafficPolicy && subsets.length === 0) return [["", "it has neither a traffic policy nor subsets"]];
  const full = resolveShortHost(host, namespace);
  const rival = [...mesh.objects("DestinationRule")].find(
    ({ spec, metadata }) =>
      metadata.namespace === namespace &&
      isOlder(metadata, object.metadata) &&
      resolveShortHost(spec.host ?? "", metadata.namespace) === full &&
      structurallyEqual(spec.workloadSelector ?? {}, workloadSelector ?? {}),
  );
  if (!rival) return [];
  const name = `DestinationRule ${label(rival)}`;
  return [
    ...(trafficPolicy && rival.spec.trafficPolicy
      ? [["spec.trafficPolicy", `${name} is older and has a traffic policy for this host: that one counts`] as const]
      : []),
    ...subsets.flatMap((subset, index): Reason[] =>
      (rival.spec.subsets ?? []).some((other) => other.name === subset.name)
        ? [[`spec.subsets[${index}]`, `${name} is older and has a subset ${subset.name}: that one counts`]]
        : [],
    ),
  ];
}
