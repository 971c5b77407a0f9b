import type { ConfigObject } from "@fairlead/config";
import {
  Derivations,
  gatewaysOf,
  type Mesh,
  namespaceAmong,
  nodeMatches,
  type Query,
  type Reader,
} from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { credentialSecret } from "./cluster/credential.ts";
import { isGateway } from "./listener/node-settings.ts";
import { patchesOf } from "./patch/patches.ts";

interface RuleCredentials {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly names: readonly string[];
}

/** The DestinationRules that name credentials. They are few: nodes need not look at the others. */
const ruleCredentials: Query<void, readonly RuleCredentials[]> = {
  name: "rule-credentials",
  key: () => "",
  compute: (read) =>
    (read.bucket("configNamespaces", "DestinationRule") ?? []).flatMap((namespace) =>
      ((read.bucket("config", `DestinationRule/${namespace}`) ?? []) as readonly ConfigObject<"DestinationRule">[])
        .map(({ spec }) => ({ namespace, labels: spec.workloadSelector?.matchLabels, names: credentialNames(spec) }))
        .filter(({ names }) => names.length > 0),
    ),
  equal: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

/** Values of `credentialName`, at any depth. */
function credentialNames(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "credentialName" && typeof inner === "string" && inner ? [inner] : credentialNames(inner),
  );
}

/**
 * The secrets that a node's own clusters and listeners may name and that come from the control plane, as names of SDS
 * resources: what it may be given. Nothing else is a node's business, whatever it asks for. Gateways: of the Gateways that
 * select it, of DestinationRules, of EnvoyFilters. Sidecars: of the DestinationRules of their namespace that select them
 * (`configmap://`, which holds nothing secret, of any).
 */
export const secretNames: Query<void, ReadonlySet<string>> = {
  name: "secret-names",
  key: () => "",
  compute(read) {
    const gateway = isGateway(read);
    const rules = read.ask(ruleCredentials, undefined);
    const namespace = namespaceAmong(read, [...new Set(rules.map((rule) => rule.namespace))]);
    const ofRules = rules.flatMap((rule) => {
      const selected =
        gateway || (rule.namespace === namespace && rule.labels !== undefined && nodeMatches(read, rule.labels));
      return rule.names.filter((name) => selected || name.startsWith("configmap://"));
    });
    const names = new Set<string>();
    for (const name of ofRules) for (const one of [name, `${name}-cacert`]) names.add(sdsName(one));
    if (gateway) for (const name of ofGateways(read)) names.add(name);
    return names;
  },
  equal: (a, b) => a.size === b.size && [...a].every((name) => b.has(name)),
};

/** {@link secretNames} of one node, once. */
export function secretNamesOf(mesh: Mesh, node: ProxyNode): ReadonlySet<string> {
  return new Derivations(mesh).ask(secretNames, undefined, node);
}

function ofGateways(read: Reader): readonly string[] {
  const servers = gatewaysOf(read).flatMap(({ spec }) => spec.servers ?? []);
  const ofServers = servers.flatMap(({ tls }) => {
    if (!tls) return [];
    const given = [...(tls.credentialNames ?? []), ...(tls.credentialName ? [tls.credentialName] : [])];
    return [
      ...given.flatMap((name) => [name, `${name}-cacert`]),
      ...(tls.caCertCredentialName ? [tls.caCertCredentialName] : []),
    ];
  });
  const ofPatches = patchesOf(read).flatMap(({ value }) =>
    [...JSON.stringify(value ?? {}).matchAll(/"((?:kubernetes|configmap):\/\/[^"\\]+)"/g)].map(([, name = ""]) => name),
  );
  return [...ofServers.map(sdsName), ...ofPatches];
}

const sdsName = (name: string) => credentialSecret(name, false).name ?? "";
