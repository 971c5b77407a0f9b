import type { GatewayApiObject } from "../kinds.ts";
import { type Aspect, conditionsIn, conditionsOf, type Problem } from "./condition.ts";
import type { GatewayClassInfo } from "./gateway-class.ts";
import type { Grants } from "./grants.ts";
import { type GatewayInstances, gatewayInstances, programmed } from "./instances.ts";
import type { ListenerStatus } from "./listener.ts";
import { secretFault } from "./listener-tls.ts";
import { statusOf } from "./status.ts";
import type { GatewayApiWorld } from "./world.ts";

export interface GatewayStatusContext {
  readonly world: GatewayApiWorld;
  readonly grants: Grants;
  readonly gateway: GatewayApiObject<"Gateway">;
  readonly classInfo: GatewayClassInfo;
  /** Host names of the Services that its proxies are behind. */
  readonly services: readonly string[];
  /** Why the addresses that it asks for cannot be had. */
  readonly addressProblem: Problem | undefined;
}

/** What became of its listeners, and of the ListenerSets that add to it. */
export interface GatewayOutcome {
  readonly listeners: readonly ListenerStatus[];
  readonly valid: number;
  readonly sets: number;
  /** Ports that are to be reached. */
  readonly ports: readonly number[];
}

/** Source: Gateway API `GatewayStatus`. */
export function gatewayStatus(
  context: GatewayStatusContext,
  { listeners, valid, sets, ports }: GatewayOutcome,
): Readonly<Record<string, unknown>> {
  const { world, gateway, services, addressProblem } = context;
  const problem = addressProblem ?? parametersProblem(context);
  const { metadata, spec } = gateway;
  const instances = gatewayInstances(world, metadata.namespace, services, ports);
  const aspects: Record<string, Aspect> = {
    Accepted: { ...acceptance(problem, valid, spec.listeners.length), ...(problem && { problem }) },
    Programmed: programmed(services, instances),
    ResolvedRefs: {
      reason: "ResolvedRefs",
      message: "All references resolved",
      problem: clientCertificateProblem(context),
    },
  };
  const frontend = spec.tls?.frontend;
  const insecure = [frontend?.default, ...(frontend?.perPort ?? []).map(({ tls }) => tls)].some(
    (tls) => tls?.validation?.mode === "AllowInsecureFallback",
  );
  if (insecure)
    aspects.InsecureFrontendValidationMode = {
      reason: "ConfigurationChanged",
      message: "Gateway is operating in AllowInsecureFallback mode for frontend validation",
    };
  const before = statusOf(gateway);
  const kept = conditionsIn(before.conditions).filter(
    ({ type }) => !frontend || insecure || type !== "InsecureFrontendValidationMode",
  );
  const addresses = addressesOf(context, instances);
  return {
    ...before,
    ...(addresses.length > 0 && { addresses }),
    ...(sets > 0 && { attachedListenerSets: sets }),
    conditions: conditionsOf(aspects, metadata.generation, kept),
    listeners,
  };
}

function parametersProblem({ gateway, world }: GatewayStatusContext): Problem | undefined {
  const reference = gateway.spec.infrastructure?.parametersRef;
  const { namespace } = gateway.metadata;
  if (!reference) return undefined;
  const refuse = (message: string): Problem => ({ reason: "InvalidParameters", message });
  if (reference.kind !== "ConfigMap" || reference.group !== "")
    return refuse(
      `Unsupported parametersRef group/kind ${reference.group}/${reference.kind}, only ConfigMap is supported`,
    );
  if (world.configMap(namespace, reference.name) !== undefined) return undefined;
  return refuse(`parametersRef ConfigMap ${namespace}/${reference.name} does not exist`);
}

function clientCertificateProblem({ gateway, world, grants }: GatewayStatusContext): Problem | undefined {
  const reference = gateway.spec.tls?.backend?.clientCertificateRef;
  if (!reference) return undefined;
  const { metadata } = gateway;
  const owner = { kind: "Gateway", namespace: metadata.namespace } as const;
  const { namespace = metadata.namespace, name } = reference;
  const to = { group: "", kind: "Secret", namespace, name };
  if (namespace !== metadata.namespace && !grants.allows(owner, to))
    return {
      reason: "RefNotPermitted",
      message: `clientCertificateRef ${name}/${namespace} not accessible to a Gateway in namespace "${metadata.namespace}" (missing a ReferenceGrant?)`,
    };
  const fault = secretFault({ world, grants, owner }, reference);
  return fault
    ? { reason: "InvalidClientCertificateRef", message: `invalid clientCertificateRef ${fault}` }
    : undefined;
}

function addressesOf(
  { gateway, classInfo }: GatewayStatusContext,
  instances: GatewayInstances,
): readonly { readonly type: string; readonly value: string }[] {
  const { internal, internalAddresses, external, pending } = instances;
  const found = new Set(external);
  if (found.size === 0) {
    const type = gateway.metadata.annotations["networking.istio.io/address-type"] ?? classInfo.addressType;
    if (type !== "Hostname") for (const address of internalAddresses) found.add(address);
    if (type !== "IPAddress")
      for (const one of internal.map((hostPort) => hostPort.slice(0, hostPort.lastIndexOf(":"))))
        if (!pending.includes(one)) found.add(one);
  }
  return [...found].map((value) => ({ type: isAddress(value) ? "IPAddress" : "Hostname", value }));
}

function acceptance(problem: Problem | undefined, valid: number, all: number): Aspect {
  const accepted = { reason: "Accepted", message: "Resource accepted" };
  if (problem || valid >= all) return accepted;
  if (valid > 0) return { reason: "ListenersNotValid", message: "One or more of the Gateway's listeners are invalid" };
  return {
    ...accepted,
    problem: { reason: "ListenersNotValid", message: "None of the Gateway's listeners are valid" },
  };
}

function isAddress(value: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(value) || value.includes(":");
}

/** Of a class whose Gateways are another cluster's. */
export function remoteStatus(gateway: GatewayApiObject<"Gateway">): Readonly<Record<string, unknown>> {
  const { listeners: _, ...before } = statusOf(gateway);
  return {
    ...before,
    addresses: (gateway.spec.addresses ?? []).map(({ type = "IPAddress", value }) => ({ type, value })),
    conditions: conditionsOf(
      {
        Accepted: { reason: "Accepted", message: "Resource accepted" },
        Programmed: { reason: "Programmed", message: "This Gateway is remote; Istio will not program it" },
      },
      gateway.metadata.generation,
      before.conditions,
    ),
  };
}
