import type { ConfigObject } from "@fairlead/config";
import type { ZtunnelAuthorization, ZtunnelGroup, ZtunnelMatch, ZtunnelRules } from "../../proto/types.ts";

type PeerAuthentication = ConfigObject<"PeerAuthentication">;

/** Denies connections without mutual TLS. Workloads that ask for it on all ports refer to it. */
const STATIC_STRICT = "istio_converted_static_strict";

/** Holds for peers that have proved no identity. */
const NO_IDENTITY: ZtunnelMatch = { notPrincipals: [{ presence: {} }] };

const only = (match: ZtunnelMatch): ZtunnelRules => ({ matches: [match] });

type Level = "STRICT" | "OPEN" | undefined;

/** What a mode says about connections without mutual TLS, which ztunnel takes where it is not strict. */
function levelOf(mtls: { readonly mode?: string } | undefined): Level {
  if (mtls?.mode === "STRICT") return "STRICT";
  return mtls?.mode === "PERMISSIVE" || mtls?.mode === "DISABLE" ? "OPEN" : undefined;
}

export function staticStrict(rootNamespace: string): ZtunnelAuthorization {
  return {
    name: STATIC_STRICT,
    namespace: rootNamespace,
    scope: "WORKLOAD_SELECTOR",
    action: "DENY",
    groups: [{ rules: [only(NO_IDENTITY)] }],
  };
}

/**
 * A PeerAuthentication of selected workloads with modes of its ports, as what ztunnel denies; undefined where the modes
 * of its ports add nothing. `inherited`: the oldest of the namespace and of the mesh without selector, in this order.
 */
export function convertPeerAuthentication(
  { spec, metadata }: PeerAuthentication,
  rootNamespace: string,
  inherited: readonly (PeerAuthentication | undefined)[],
): ZtunnelAuthorization | undefined {
  const ports = Object.entries(spec.portLevelMtls ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  const selects = Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
  if (!selects || metadata.namespace === rootNamespace || ports.length === 0) return undefined;
  const level =
    levelOf(spec.mtls) ?? inherited.map((one) => levelOf(one?.spec.mtls)).find((one) => one !== undefined) ?? "OPEN";
  const strictPorts = ports.filter(([, mtls]) => levelOf(mtls) === "STRICT").map(([port]) => Number(port));
  const openPorts = ports.filter(([, mtls]) => levelOf(mtls) === "OPEN").map(([port]) => Number(port));
  const groups = level === "STRICT" ? strictBut(openPorts, levelOf(spec.mtls) === "STRICT") : openBut(strictPorts);
  if (groups.length === 0) return undefined;
  return {
    name: `converted_peer_authentication_${metadata.name}`,
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    scope: "WORKLOAD_SELECTOR",
    action: "DENY",
    groups: [...groups],
  };
}

/** Groups are alternatives: one for each port that is strict. */
function openBut(strictPorts: readonly number[]): readonly ZtunnelGroup[] {
  return strictPorts.map((port) => ({ rules: [only({ ...NO_IDENTITY, destinationPorts: [port] })] }));
}

/** Without identity, and to none of the open ports. Without any open port {@link staticStrict} does. */
function strictBut(openPorts: readonly number[], own: boolean): readonly ZtunnelGroup[] {
  if (openPorts.length === 0) return [];
  const others = openPorts.map((port) => only({ notDestinationPorts: [port] }));
  // The order is Istio's: a mode of its own comes first, an inherited one last.
  return [{ rules: own ? [only(NO_IDENTITY), ...others] : [...others, only(NO_IDENTITY)] }];
}
