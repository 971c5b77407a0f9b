import type { Diagnostic } from "@fairlead/model";
import { formatPath, type PathSegment } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import { refOfObject } from "./convert/convert.ts";
import type { GatewayApiKind, GatewayApiObject } from "./kinds.ts";

const DEPLOYMENT = "nothing is deployed for a Gateway here";
const DEFAULT_GATEWAYS = "there are no default Gateways";
const SESSIONS = "sessions are not kept";

/** Fields that nothing is made of, and why; `[]` stands for every item, `*` for every key. */
const FIELDS: Partial<Readonly<Record<GatewayApiKind, readonly (readonly [field: string, why: string])[]>>> = {
  GatewayClass: [["parametersRef", DEPLOYMENT]],
  Gateway: [
    ["infrastructure.labels", DEPLOYMENT],
    ["infrastructure.annotations", DEPLOYMENT],
    ["infrastructure.parametersRef", DEPLOYMENT],
    ["tls.backend.clientCertificateRef", "backends are shown no certificate of the Gateway's"],
    ["defaultScope", DEFAULT_GATEWAYS],
    ["listeners.[].tls.options.*", "the option is not known"],
  ],
  ListenerSet: [["listeners.[].tls.options.*", "the option is not known"]],
  HTTPRoute: [
    ["useDefaultGateways", DEFAULT_GATEWAYS],
    ["rules.[].sessionPersistence", SESSIONS],
  ],
  GRPCRoute: [
    ["useDefaultGateways", DEFAULT_GATEWAYS],
    ["rules.[].sessionPersistence", SESSIONS],
  ],
  TLSRoute: [["useDefaultGateways", DEFAULT_GATEWAYS]],
  TCPRoute: [["useDefaultGateways", DEFAULT_GATEWAYS]],
  BackendTLSPolicy: [["options.*", "the option is not known"]],
  XBackend: [
    ["protocol", "the protocol is that of the ServiceEntry with this host"],
    ["port.name", "ports are known by their numbers"],
  ],
  XBackendTrafficPolicy: [
    ["sessionPersistence", SESSIONS],
    ["retryConstraint.minRetryRate.interval", "retries are counted as they are under way"],
  ],
};

const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  "gateway.istio.io/tls-terminate-mode",
  "gateway.istio.io/tls-cipher-suites",
  "gateway.istio.io/listener-protocol",
]);

/** What is written in an object and has no effect. Paths are the object's. */
export function withoutEffect(object: GatewayApiObject): readonly Diagnostic[] {
  const warn = (path: readonly PathSegment[], message: string): Diagnostic => ({
    code: "gateway-api-no-effect",
    severity: "warning",
    object: refOfObject(object),
    path: formatPath(path),
    message: `has no effect: ${message}`,
  });
  if (object.kind === "UDPRoute") return [warn(["spec"], "Istio's gateways carry no UDP")];
  return (FIELDS[object.kind] ?? []).flatMap(([field, why]) =>
    pathsTo(object.spec, field.split(".")).map((path) => warn(["spec", ...path], why)),
  );
}

function pathsTo(value: unknown, [field, ...rest]: readonly string[]): readonly (readonly PathSegment[])[] {
  if (field === undefined) return value === undefined ? [] : [[]];
  const into = (key: PathSegment, item: unknown) => pathsTo(item, rest).map((path) => [key, ...path]);
  if (field === "[]") return Array.isArray(value) ? value.flatMap((item, index) => into(index, item)) : [];
  if (!isRecord(value)) return [];
  if (field !== "*") return into(field, value[field]);
  return Object.entries(value).flatMap(([key, item]) => (KNOWN_OPTIONS.has(key) ? [] : into(key, item)));
}
