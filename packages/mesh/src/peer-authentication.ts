import { type ConfigObject, refOf } from "@fairlead/config";
import { type Labels, matchesLabels, type ObjectRef } from "@fairlead/model";
import type { Reader } from "./derivation.ts";
import { rootNamespaceOf } from "./mesh-settings.ts";
import { policiesOf } from "./policy-selection.ts";

export type MutualTlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

/** What the PeerAuthentications of a workload come to. */
export interface EffectivePeerAuthentication {
  readonly mode: MutualTlsMode;
  /** Workload port (not service port) to mode, for ports that say so. */
  readonly ports: Readonly<Record<number, MutualTlsMode>>;
  /** The objects that decided. */
  readonly sources: readonly ObjectRef[];
}

type Policy = ConfigObject<"PeerAuthentication">;

function modeOf(mtls: { readonly mode?: string } | undefined): MutualTlsMode | undefined {
  return mtls?.mode === "DISABLE" || mtls?.mode === "PERMISSIVE" || mtls?.mode === "STRICT" ? mtls.mode : undefined;
}

const hasSelector = (policy: Policy) => Object.keys(policy.spec.selector?.matchLabels ?? {}).length > 0;

/**
 * Composes policies: mesh (root namespace) under namespace under workload; the oldest of each level holds; UNSET
 * inherits; without any, PERMISSIVE. Source: Istio `ComposePeerAuthentication`.
 */
export function composePeerAuthentication(
  policies: readonly Policy[],
  rootNamespace: string,
): EffectivePeerAuthentication {
  const mesh = policies.find((policy) => !hasSelector(policy) && policy.metadata.namespace === rootNamespace);
  const namespace = policies.find((policy) => !hasSelector(policy) && policy.metadata.namespace !== rootNamespace);
  const workload = policies.find((policy) => hasSelector(policy) && policy.metadata.namespace !== rootNamespace);
  const mode = modeOf(workload?.spec.mtls) ?? modeOf(namespace?.spec.mtls) ?? modeOf(mesh?.spec.mtls) ?? "PERMISSIVE";
  const ports: Record<number, MutualTlsMode> = {};
  for (const [port, mtls] of Object.entries(workload?.spec.portLevelMtls ?? {}))
    ports[Number(port)] = modeOf(mtls) ?? mode;
  return {
    mode,
    ports,
    sources: [mesh, namespace, workload].filter((policy) => policy !== undefined).map(refOf),
  };
}

/** What holds for the node itself, as a server. */
export function peerAuthenticationOf(read: Reader): EffectivePeerAuthentication {
  return composePeerAuthentication(policiesOf(read, "PeerAuthentication"), rootNamespaceOf(read));
}

/** What holds for a workload with these labels, as clients see it. */
export function peerAuthenticationFor(read: Reader, namespace: string, labels: Labels): EffectivePeerAuthentication {
  const root = rootNamespaceOf(read);
  const of = (name: string) => (read.bucket("config", `PeerAuthentication/${name}`) ?? []) as readonly Policy[];
  const policies = [...of(root), ...(namespace === root ? [] : of(namespace))];
  return composePeerAuthentication(
    policies.filter((policy) => matchesLabels(policy.spec.selector?.matchLabels ?? {}, labels)),
    root,
  );
}

/** The mode of a namespace as a whole, which clients infer a service's from; undefined when no policy says. */
export function namespaceMutualTls(read: Reader, namespace: string): MutualTlsMode | undefined {
  const root = rootNamespaceOf(read);
  const wide = (name: string) =>
    ((read.bucket("config", `PeerAuthentication/${name}`) ?? []) as readonly Policy[]).find(
      (policy) => !hasSelector(policy),
    );
  const own = namespace === root ? undefined : wide(namespace);
  const mesh = wide(root);
  if (!own && !mesh) return undefined;
  return modeOf(own?.spec.mtls) ?? (mesh ? (modeOf(mesh.spec.mtls) ?? "PERMISSIVE") : own ? "PERMISSIVE" : undefined);
}
