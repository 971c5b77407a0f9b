import { type ConfigObject, type KindName, refOf } from "@fairlead/config";
import { type Query, type Reader, rootNamespaceOf } from "@fairlead/mesh";
import { type Diagnostic, type ObjectRef, structurallyEqual } from "@fairlead/model";
import type { ZtunnelAuthorization } from "../../proto/types.ts";
import { type Build, type Generator, generated } from "../generated.ts";
import { convertAuthorizationPolicy } from "./authorization.ts";
import { convertPeerAuthentication, staticStrict } from "./peer-authentication.ts";

interface Made {
  readonly authorization: ZtunnelAuthorization;
  readonly sources: readonly ObjectRef[];
}

interface Authorizations {
  /** By `namespace/name`. */
  readonly made: ReadonlyMap<string, Made>;
  readonly diagnostics: readonly Diagnostic[];
}

/** All objects of a kind, whosever they are: ztunnel enforces for every workload of its machine. */
function objectsOf<K extends KindName>(read: Reader, kind: K): readonly ConfigObject<K>[] {
  const namespaces = read.bucket("configNamespaces", kind) ?? [];
  return namespaces.flatMap(
    (namespace) => (read.bucket("config", `${kind}/${namespace}`) ?? []) as readonly ConfigObject<K>[],
  );
}

const all: Query<void, Authorizations> = {
  name: "ztunnel-authorizations",
  key: () => "",
  compute(read) {
    const root = rootNamespaceOf(read);
    const diagnostics: Diagnostic[] = [];
    const made: Made[] = [];
    for (const policy of objectsOf(read, "AuthorizationPolicy")) {
      const { authorization, problems } = convertAuthorizationPolicy(policy, root);
      const object = refOf(policy);
      if (authorization) made.push({ authorization, sources: [object] });
      for (const problem of problems)
        diagnostics.push({ code: "ztunnel-unsupported", severity: "warning", object, ...problem });
    }
    const peers = objectsOf(read, "PeerAuthentication");
    const wide = (namespace: string) =>
      peers.find(
        ({ metadata, spec }) =>
          metadata.namespace === namespace && Object.keys(spec.selector?.matchLabels ?? {}).length === 0,
      );
    if (peers.length > 0) made.push({ authorization: staticStrict(root), sources: peers.map(refOf) });
    for (const peer of peers) {
      const inherited = [wide(peer.metadata.namespace), wide(root)];
      const authorization = convertPeerAuthentication(peer, root, inherited);
      const sources = [peer, ...inherited.filter((one) => one !== undefined)].map(refOf);
      if (authorization) made.push({ authorization, sources });
    }
    return {
      made: new Map(made.map((one) => [`${one.authorization.namespace ?? ""}/${one.authorization.name}`, one])),
      diagnostics,
    };
  },
  equal: (a, b) => structurallyEqual([...a.made], [...b.made]) && structurallyEqual(a.diagnostics, b.diagnostics),
};

const forZtunnel = (read: Reader) => read.fact("is ztunnel", (node) => node.type === "ztunnel");

/** What ztunnels enforce on connections: AuthorizationPolicies and PeerAuthentications of the whole mesh. */
export const authorizationGenerator: Generator<ZtunnelAuthorization> = {
  units: (read) => (forZtunnel(read) ? [...read.ask(all, undefined).made.keys()].sort() : []),
  diagnostics: (read) => (forZtunnel(read) ? read.ask(all, undefined).diagnostics : []),
  generate(read, unit, provenance) {
    const found = read.ask(all, undefined).made.get(unit);
    if (!found) return [];
    const make = (build: Build) => {
      for (const source of found.sources) build.uses(source);
      const [first] = found.sources;
      // Kept objects are shared; provenance belongs to this one.
      const authorization = { ...found.authorization };
      return first ? build.from(authorization, first) : authorization;
    };
    return [generated(read, unit, make, provenance)];
  },
};
