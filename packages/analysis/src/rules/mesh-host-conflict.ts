import { hostsOverlap } from "@fairlead/model";
import { exportScopes, fullHost } from "../hosts.ts";
import { texts } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import type { World } from "../world.ts";

/** A host for which a VirtualService is, in the mesh and as far as it is exported. */
interface Claim {
  readonly scope: string;
  readonly host: string;
}

/** VirtualServices of the mesh by host, and by each ending of it that a wildcard may have: `a.b.c` is under `~.b.c` and `~.c`. */
const BY_MESH_HOST: ResourceIndex = {
  name: "mesh hosts",
  kinds: ["VirtualService"],
  *keys(resource) {
    for (const { host } of claimsOf(resource)) {
      yield host;
      for (const ending of endingsOf(host)) yield `~${ending}`;
    }
  },
};

/** Of several VirtualServices for one host in the mesh, only the oldest counts. */
export const meshHostConflict: Rule = {
  name: "virtual-service/mesh-host-conflict",
  codes: ["IST0109"],
  kinds: ["VirtualService"],
  indexes: [BY_MESH_HOST],
  check(resource, report, world) {
    // By name, so that an object in several conflicts is told the same one whatever the order of the input.
    const claims = [...concerning(world, resource)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, claim] of claims) {
      const all = claimants(world, claim);
      if (all.length < 2) continue;
      const names = all
        .map(({ fullName }) => fullName)
        .sort()
        .join(", ");
      report(
        "IST0109",
        `several VirtualServices (${names}) are for the host ${claim.host} in the mesh; only the oldest counts`,
        "metadata.name",
      );
      return;
    }
  },
};

function claimsOf({ spec, ref }: Resource): readonly Claim[] {
  const gateways = texts(spec.gateways);
  if (gateways.length > 0 && !gateways.includes("mesh")) return [];
  const hosts = texts(spec.hosts).map((host) => fullHost(host, ref.namespace));
  return exportScopes(texts(spec.exportTo), ref.namespace).flatMap((scope) => hosts.map((host) => ({ scope, host })));
}

/** Its own claims, and those for one namespace that overlap with what it claims everywhere. */
function concerning(world: World, resource: Resource): ReadonlyMap<string, Claim> {
  const found = new Map<string, Claim>();
  const add = (claim: Claim) => found.set(`${claim.scope}/${claim.host}`, claim);
  for (const own of claimsOf(resource)) {
    add(own);
    if (own.scope !== "*") continue;
    for (const other of overlapping(world, own.host))
      for (const claim of claimsOf(other)) if (claim.scope !== "*" && hostsOverlap(claim.host, own.host)) add(claim);
  }
  return found;
}

/** Who claims exactly this, as often as it is written, and who claims it everywhere. */
function claimants(world: World, { scope, host }: Claim): readonly Resource[] {
  const claiming = (among: Iterable<Resource>, is: (claim: Claim) => boolean) =>
    [...among].flatMap((resource) =>
      claimsOf(resource)
        .filter(is)
        .map(() => resource),
    );
  const same = claiming(world.under(BY_MESH_HOST, host), (claim) => claim.scope === scope && claim.host === host);
  if (scope === "*") return same;
  const everywhere = claiming(
    overlapping(world, host),
    (claim) => claim.scope === "*" && hostsOverlap(host, claim.host),
  );
  return [...same, ...everywhere];
}

/** VirtualServices that have a host which may overlap with this one. */
function overlapping(world: World, host: string): ReadonlySet<Resource> {
  const keys = [host, "*", ...endingsOf(host).map((ending) => `*${ending}`)];
  if (host.startsWith("*")) keys.push(`~${host.slice(1)}`);
  return new Set(keys.flatMap((key) => world.under(BY_MESH_HOST, key)));
}

/** `a.b.c`: the empty one, `.b.c`, `.c`. */
function endingsOf(host: string): readonly string[] {
  const endings = [""];
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) endings.push(host.slice(dot));
  return endings;
}
