import { type Query, type Reader, sameMembers, sidecarOf } from "@fairlead/mesh";
import { type Diagnostic, structurallyEqual } from "@fairlead/model";
import type { Listener } from "../../proto/types.ts";
import { type Build, type Generated, type Generator, generated, type Provenance } from "../generated.ts";
import { VIRTUAL_INBOUND, VIRTUAL_OUTBOUND } from "../names.ts";
import { patchValue } from "../patch/list-patch.ts";
import { addedListeners, patchedListener } from "../patch/listener-patch.ts";
import { type PatchContext, patchDiagnostics } from "../patch/patches.ts";
import type { MergedPort } from "../route/gateway-servers.ts";
import { LOCALHOSTS, listenerName } from "./address.ts";
import { gatewayListener, gatewayListenerPorts, serverDiagnostics } from "./gateway-listener.ts";
import { headlessListeners } from "./headless-listener.ts";
import { boundInbound, virtualInbound } from "./inbound-listener.ts";
import { type InboundPort, inboundPlanOf } from "./inbound-plan.ts";
import { addressFamilyOf, interceptionModeOf, isGateway } from "./node-settings.ts";
import { notTranslated } from "./not-translated.ts";
import { httpProxyListener, outboundListener } from "./outbound-listener.ts";
import { httpProxyPort, outboundListenerPlan, outboundPlanOf } from "./outbound-plan.ts";
import { virtualOutbound } from "./virtual-outbound.ts";

/**
 * The unit of a listener: what kind, then what tells it apart. Outbound listeners are one unit each, so that a service
 * that changes makes again only those that it takes part in; headless services are units by port.
 */
const OUTBOUND = "outbound|";
const HEADLESS = "headless|";
const INBOUND = "inbound|";
const GATEWAY = "gateway|";
const ADDED = "added|";
const HTTP_PROXY = "http_proxy";

/** The listeners of a sidecar or a gateway. */
export const listenerGenerator: Generator<Listener> = {
  units: (read) => (isGateway(read) ? gatewayUnits(read) : sidecarUnits(read)),
  diagnostics: diagnosticsOf,
  generate(read, unit, provenance) {
    const rest = unit.slice(unit.indexOf("|") + 1);
    if (unit.startsWith(OUTBOUND)) return outbound(read, rest, provenance);
    if (unit.startsWith(HEADLESS))
      return headlessListeners(read, Number(rest)).flatMap((plan) =>
        one(read, plan.name, "SIDECAR_OUTBOUND", (build) => outboundListener(build, plan), provenance),
      );
    if (unit.startsWith(INBOUND)) return inbound(read, Number(rest), provenance);
    if (unit.startsWith(GATEWAY)) return gateway(read, rest, provenance);
    if (unit.startsWith(ADDED)) return added(read, Number(rest), provenance);
    return special(read, unit, provenance);
  },
};

function sidecarUnits(read: Reader): readonly string[] {
  const { listeners, headless } = outboundPlanOf(read);
  const redirected = interceptionModeOf(read) !== "NONE";
  return [
    ...(redirected ? [VIRTUAL_OUTBOUND, VIRTUAL_INBOUND] : []),
    ...(httpProxyPort(read) === undefined ? [] : [HTTP_PROXY]),
    ...boundPorts(read).map(({ targetPort }) => `${INBOUND}${targetPort}`),
    ...[...listeners.keys()].sort().map((name) => OUTBOUND + name),
    ...[...headless.keys()].sort((a, b) => a - b).map((port) => `${HEADLESS}${port}`),
    ...addedListeners(read, ["SIDECAR_OUTBOUND", "SIDECAR_INBOUND"]).map((_, index) => `${ADDED}${index}`),
  ];
}

/**
 * Inbound ports that the proxy itself listens on: a Sidecar names them. Without one nothing of what the workload serves is
 * looked at, so that workloads share what depends on this.
 */
function boundPorts(read: Reader): readonly InboundPort[] {
  if ((sidecarOf(read)?.spec.ingress ?? []).length === 0) return [];
  return inboundPlanOf(read).ports.filter(({ bindToPort }) => bindToPort);
}

function gatewayUnits(read: Reader): readonly string[] {
  return [
    ...[...gatewayListenerPorts({ read }).keys()].sort().map((name) => GATEWAY + name),
    ...addedListeners(read, ["GATEWAY"]).map((_, index) => `${ADDED}${index}`),
  ];
}

/** One listener, patched; none when it turns out to have nothing to do, or a patch removes it. */
function one(
  read: Reader,
  name: string,
  context: PatchContext,
  make: (build: Build) => Listener | undefined,
  provenance?: Provenance,
): readonly Generated<Listener>[] {
  const made = generated(
    read,
    name,
    (build) => {
      const listener = make(build);
      return listener && patchedListener(build, listener, context, provenance);
    },
    provenance,
  );
  const { resource } = made;
  return resource ? [{ ...made, resource }] : [];
}

/** What holds for the node as a whole, whatever listeners it has. */
function diagnosticsOf(read: Reader): readonly Diagnostic[] {
  const found = [...notTranslated(read), ...patchDiagnostics(read)];
  if (isGateway(read)) return [...found, ...serverDiagnostics(read)];
  const problems = outboundPlanOf(read).problems.map(
    ({ code, service, message }): Diagnostic => ({
      code,
      severity: "warning",
      object: service.source,
      path: "",
      message,
    }),
  );
  return [...found, ...problems];
}

function outbound(read: Reader, name: string, provenance?: Provenance): readonly Generated<Listener>[] {
  const plan = outboundListenerPlan(read, name);
  return plan ? one(read, name, "SIDECAR_OUTBOUND", (build) => outboundListener(build, plan), provenance) : [];
}

const inboundPort: Query<number, InboundPort | undefined> = {
  name: "inbound-port",
  key: String,
  compute: (read, port) => inboundPlanOf(read).ports.find(({ targetPort }) => targetPort === port),
  equal: structurallyEqual,
};

function inbound(read: Reader, number: number, provenance?: Provenance): readonly Generated<Listener>[] {
  const port = read.ask(inboundPort, number);
  if (!port?.bindToPort) return [];
  const name = listenerName(port.binds[0] ?? "", number);
  return one(read, name, "SIDECAR_INBOUND", (build) => boundInbound(build, port), provenance);
}

const gatewayPorts: Query<string, readonly MergedPort[]> = {
  name: "gateway-listener-ports",
  key: (name) => name,
  compute: (read, name) => gatewayListenerPorts({ read }).get(name) ?? [],
  equal: (a, b) => sameMembers(a, b) || structurallyEqual(a, b),
};

function gateway(read: Reader, name: string, provenance?: Provenance): readonly Generated<Listener>[] {
  const ports = read.ask(gatewayPorts, name);
  return one(read, name, "GATEWAY", (build) => gatewayListener(build, name, ports), provenance);
}

/** A listener that an EnvoyFilter adds, as it stands there. */
function added(read: Reader, index: number, provenance?: Provenance): readonly Generated<Listener>[] {
  const patch = addedListeners(read, isGateway(read) ? ["GATEWAY"] : ["SIDECAR_OUTBOUND", "SIDECAR_INBOUND"])[index];
  if (!patch) return [];
  return [generated(read, String(patch.value.name), (build) => patchValue<Listener>(build, patch), provenance)];
}

function special(read: Reader, unit: string, provenance?: Provenance): readonly Generated<Listener>[] {
  if (unit === VIRTUAL_INBOUND) return one(read, unit, "SIDECAR_INBOUND", virtualInbound, provenance);
  if (unit === VIRTUAL_OUTBOUND) return one(read, unit, "SIDECAR_OUTBOUND", virtualOutbound, provenance);
  const port = httpProxyPort(read);
  if (unit !== HTTP_PROXY || port === undefined) return [];
  const name = listenerName(LOCALHOSTS[addressFamilyOf(read)][0], port);
  return one(read, name, "SIDECAR_OUTBOUND", (build) => httpProxyListener(build, port), provenance);
}
