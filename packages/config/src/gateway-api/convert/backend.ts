import type { Destination } from "../../kinds/shared/destination.ts";
import type { BackendObjectReference } from "../kinds/references.ts";
import type { GatewayApiObject } from "../kinds.ts";
import type { Problem } from "./condition.ts";
import type { Grants } from "./grants.ts";
import { type GatewayApiWorld, kubernetesService, serviceIn } from "./world.ts";

/** What routes are converted with. */
export interface RouteContext {
  readonly world: GatewayApiWorld;
  readonly grants: Grants;
  backend(namespace: string, name: string): GatewayApiObject<"XBackend"> | undefined;
}

/** Whose references are followed. */
export interface RouteOwner {
  readonly kind: "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute";
  readonly namespace: string;
  readonly name: string;
  /** References into other namespaces need a grant: on gateways, not in the mesh. */
  readonly needsGrants: boolean;
}

/**
 * Where a reference leads. `unusable`: requests for it are answered with an error, and the rest of the rule stands; otherwise a
 * problem makes the whole route void.
 */
export interface ConvertedBackend {
  readonly destination?: Destination;
  readonly problem?: Problem;
  readonly unusable?: boolean;
}

/** A destination that does not exist; requests are answered with 500. */
const NOWHERE: Destination = { host: "" };

const MESH_SERVICES = "multicluster.x-k8s.io";

/** Source: Gateway API `BackendRef`; Istio's kinds of backends (Hostname of ServiceEntries, ServiceImport). */
export function convertBackend(
  { world, grants, backend }: RouteContext,
  owner: RouteOwner,
  reference: BackendObjectReference,
): ConvertedBackend {
  const { group = "", kind = "Service", name, namespace = owner.namespace, port } = reference;
  const unusable = (reason: string, message: string, destination = NOWHERE): ConvertedBackend => ({
    destination,
    problem: { reason, message },
    unusable: true,
  });
  const fail = (message: string): ConvertedBackend => ({ problem: { reason: "InvalidDestination", message } });
  if (owner.needsGrants && namespace !== owner.namespace && !grants.allows(owner, { group, kind, namespace, name }))
    return unusable(
      "RefNotPermitted",
      `backendRef ${name}/${namespace} not accessible to a ${owner.kind} in namespace "${owner.namespace}" (missing a ReferenceGrant?)`,
    );
  const missing = (what: string) => ["BackendNotFound", `backend(${what}) not found`] as const;

  if (group === "gateway.networking.x-k8s.io" && kind === "XBackend") {
    const target = backend(namespace, name);
    if (!target) return unusable(...missing(name));
    const { type, externalHostname, port: own } = target.spec;
    if (type !== "ExternalHostname" || !externalHostname)
      return unusable("InvalidKind", `backend(${name}) type: expected ExternalHostname, got ${type}`);
    if (port !== undefined && port !== own.port)
      return unusable("BackendNotFound", `backend(${name}) does not expose port ${port}, expected ${own.port}`);
    const destination = { host: externalHostname.hostname, port: { number: own.port } };
    return serviceIn(world, destination.host, namespace)
      ? { destination }
      : unusable(...missing(destination.host), destination);
  }

  let host: string;
  let found: boolean;
  if (group === "" && kind === "Service") {
    if (name.includes("."))
      return fail("service name invalid; the name of the Service must be used, not the hostname.");
    host = `${name}.${namespace}.svc.${world.domainSuffix}`;
    found = kubernetesService(world, namespace, name) !== undefined;
  } else if (group === "networking.istio.io" && kind === "Hostname") {
    if (reference.namespace !== undefined) return fail("namespace may not be set with Hostname type");
    host = name;
    found = serviceIn(world, host, namespace) !== undefined;
  } else if (group === MESH_SERVICES && kind === "ServiceImport") {
    host = `${name}.${namespace}.svc.${world.domainSuffix}`;
    found = kubernetesService(world, namespace, name) !== undefined;
  } else return unusable("InvalidKind", `referencing unsupported backendRef: group "${group}" kind "${kind}"`);
  if (port === undefined) return fail("port is required in backendRef");
  const destination = { host, port: { number: port } };
  return found ? { destination } : unusable(...missing(host), destination);
}

interface Weighted extends BackendObjectReference {
  readonly weight?: number;
}

export function weightSum(backends: readonly Weighted[] | undefined): number {
  return (backends ?? []).reduce((sum, { weight = 1 }) => sum + weight, 0);
}

/** Backends that get a share; with the weight, where they are several. */
export function withShare<B extends Weighted>(
  backends: readonly B[],
): readonly { readonly backend: B; readonly weight?: number }[] {
  const used = backends.filter(({ weight = 1 }) => weight !== 0);
  return used.map((backend) => (used.length === 1 ? { backend } : { backend, weight: backend.weight ?? 1 }));
}
