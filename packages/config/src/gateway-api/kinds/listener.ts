// Listeners of Gateways and ListenerSets. Fields of sigs.k8s.io/gateway-api apis/v1, rules as in the CRDs.
import { choice, type Infer, list, map, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { group, hostname, kindName, labelSelector, optionValue, portNumber, sectionName } from "./names.ts";
import { secretReference } from "./references.ts";

export const routeGroupKind = message({ group, kind: required(kindName) });
/** A kind of route. Default: of the Gateway API's group. */
export type RouteGroupKind = Infer<typeof routeGroupKind>;

const allowedRoutes = message({
  namespaces: message({ from: choice("All", "Selector", "Same"), selector: labelSelector }),
  kinds: list(routeGroupKind, { max: 8 }),
});

export const listenerTls = message({
  mode: choice("Terminate", "Passthrough"),
  certificateRefs: list(secretReference, { max: 64 }),
  options: map(optionValue, { max: 16 }),
});
export type ListenerTls = Infer<typeof listenerTls>;

const protocol = text({
  min: 1,
  max: 255,
  pattern:
    /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$/,
});

export const listener = message({
  name: required(sectionName),
  hostname,
  port: required(portNumber),
  protocol: required(protocol),
  tls: listenerTls,
  allowedRoutes,
});
/** A port that a gateway opens, for which names, and which routes may attach to it. */
export type Listener = Infer<typeof listener>;

export const listeners = list(listener, { min: 1, max: 64, unique: "name" });

/** Rules of the CRDs in CEL on `listeners`. */
export function validateListeners(all: readonly Listener[], report: Report): void {
  const seen = new Map<string, number>();
  all.forEach((one, index) => {
    const at = report.at(index);
    if (["HTTP", "TCP", "UDP"].includes(one.protocol) && one.tls !== undefined)
      at.at("tls").error("conflicting-fields", `must not be specified for protocol ${one.protocol}`);
    if (one.protocol === "HTTPS" && one.tls?.mode === "Passthrough")
      at.at("tls", "mode").error("invalid-tls", "must be Terminate for protocol HTTPS");
    // The API server fills in `Terminate` where there is a tls section.
    if (one.protocol === "TLS" && one.tls === undefined) at.at("tls").error("required", "must be set for protocol TLS");
    if (["TCP", "UDP"].includes(one.protocol) && one.hostname !== undefined)
      at.at("hostname").error("conflicting-fields", `must not be specified for protocol ${one.protocol}`);
    if (one.tls && (one.tls.mode ?? "Terminate") === "Terminate")
      if ((one.tls.certificateRefs ?? []).length === 0 && Object.keys(one.tls.options ?? {}).length === 0)
        at.at("tls").error("invalid-tls", "certificateRefs or options must be specified when mode is Terminate");
    const key = `${one.port} ${one.protocol} ${one.hostname ?? "*"}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else
      at.error(
        "duplicate",
        `listener ${first} has the same port, protocol and hostname; the combination must be unique`,
      );
  });
}
