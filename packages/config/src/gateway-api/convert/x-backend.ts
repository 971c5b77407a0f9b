import type { ClientTls } from "../../kinds/destination-rule/client-tls.ts";
import { GATEWAY_API_GROUP, type GatewayApiObject } from "../kinds.ts";
import type { PolicyContext, PolicyPart } from "./backend-policy.ts";
import { type Roots, rootsOf, subjectAltNames, tlsAspects } from "./backend-roots.ts";
import type { Problem } from "./condition.ts";
import { CONTROLLER } from "./gateway-class.ts";
import { compare } from "./order.ts";
import { ancestorStatus, type ConvertedPolicy } from "./policy-status.ts";

/** Source: Gateway API `XBackend` (experimental). */
export function convertXBackend(context: PolicyContext, backend: GatewayApiObject<"XBackend">): ConvertedPolicy {
  const { type, externalHostname, port, tls } = backend.spec;
  const { namespace, name } = backend.metadata;
  const target = { kind: "XBackend", name, namespace };
  let problem: Problem | undefined;
  let roots: Roots = { note: "" };
  const parts: PolicyPart[] = [];
  if (type !== "ExternalHostname" || !externalHostname)
    problem = { reason: "Invalid", message: `unsupported backend type: ${type}` };
  else if (tls?.mode === "ClientAndServer")
    problem = {
      reason: "Invalid",
      message: "unsupported ClientAndServer TLS mode: Istio does not support client certificates on backend",
    };
  else if (tls?.mode === "ServerOnly") {
    roots = rootsOf(context.world, tls.validation, namespace);
    problem = roots.accepted;
    const settings: ClientTls = {
      mode: "SIMPLE",
      sni: tls.validation?.hostname ?? externalHostname.hostname,
      ...(tls.validation && subjectAltNames(tls.validation)),
      ...(roots.credentialName && { credentialName: roots.credentialName }),
    };
    parts.push({ source: backend, target, host: externalHostname.hostname, port: port.port, ports: [], tls: settings });
  }
  const aspects = tlsAspects(roots, problem);
  const gateways = [...(context.gatewaysBefore.get(`XBackend/${namespace}/${name}`) ?? [])].sort(compare);
  const ancestors = [
    { ref: { group: "gateway.networking.x-k8s.io", kind: "XBackend", name }, controller: CONTROLLER.waypoint, aspects },
    ...gateways.map((gateway) => {
      const [home = "", of = ""] = gateway.split("/");
      const ref = { group: GATEWAY_API_GROUP, kind: "Gateway", namespace: home, name: of };
      return { ref, controller: CONTROLLER.gateway, aspects };
    }),
  ];
  return { parts, status: { object: backend, status: ancestorStatus(backend, ancestors) } };
}
