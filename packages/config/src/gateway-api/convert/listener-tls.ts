import { isCipherSuite } from "../../kinds/gateway/check-tls.ts";
import type { ServerTls } from "../../kinds/gateway/server-tls.ts";
import type { GatewayResource } from "../kinds/gateway.ts";
import type { Listener, ListenerTls } from "../kinds/listener.ts";
import type { ObjectReference, SecretReference } from "../kinds/references.ts";
import { keyPairFault, rootsFault } from "./certificate.ts";
import { joinProblems, type Problem } from "./condition.ts";
import type { Grants } from "./grants.ts";
import type { Content, GatewayApiWorld } from "./world.ts";

/** Option that makes certificates of clients wanted, or the mesh's own ones served. */
const TERMINATE_MODE = "gateway.istio.io/tls-terminate-mode";
const CIPHER_SUITES = "gateway.istio.io/tls-cipher-suites";
const LISTENER_PROTOCOL = "gateway.istio.io/listener-protocol";

export interface TlsContext {
  readonly world: GatewayApiWorld;
  readonly grants: Grants;
  /** Whose listener it is. */
  readonly owner: { readonly kind: "Gateway" | "ListenerSet"; readonly namespace: string };
}

/** TLS of a listener; what is wrong with it. */
export interface ConvertedTls {
  readonly tls?: ServerTls;
  readonly problem?: Problem | undefined;
}

/**
 * Clients reach services of other networks by it, by SNI and without its ending TLS: told by option, or by the port of a
 * Gateway that stands at a network's edge.
 */
export function isAutoPassthrough(labels: Readonly<Record<string, string>>, { tls, port }: Listener): boolean {
  if (!tls) return false;
  if (tls.options?.[LISTENER_PROTOCOL] === "auto-passthrough") return true;
  return (
    labels["topology.istio.io/network"] !== undefined &&
    String(port) === (labels["networking.istio.io/gatewayPort"] ?? "15443")
  );
}

/** Source: Gateway API `ListenerTLSConfig`, `FrontendTLSConfig`; Istio's options. */
export function listenerTls(
  context: TlsContext,
  tls: ListenerTls | undefined,
  frontend: FrontendValidation | undefined,
  autoPassthrough: boolean,
): ConvertedTls {
  if (!tls) return {};
  if (tls.mode === "Passthrough")
    return { tls: { mode: autoPassthrough ? "AUTO_PASSTHROUGH" : "PASSTHROUGH", ...cipherSuites(tls) } };
  const option = tls.options?.[TERMINATE_MODE];
  if (option === "ISTIO_SIMPLE") return { tls: { mode: "SIMPLE", credentialName: "builtin://" } };
  if (option === "ISTIO_MUTUAL") return { tls: { mode: "ISTIO_MUTUAL" } };
  const mode = option === "MUTUAL" || option === "OPTIONAL_MUTUAL" ? option : "SIMPLE";
  const references = tls.certificateRefs ?? [];
  if (references.length > 2)
    return {
      problem: { reason: "InvalidCertificateRef", message: "TLS mode can only support up to 2 server certificates" },
    };
  let problem: Problem | undefined;
  const names: string[] = [];
  for (const reference of references) {
    const found = certificate(context, reference);
    if (typeof found === "string") names.push(found);
    else problem = joinProblems(problem, found);
  }
  const [first] = names;
  if (first === undefined) return { tls: { mode }, problem };
  // Of two certificates, one that cannot be used leaves the other.
  const certificates = names.length === 1 ? { credentialName: first } : { credentialNames: names };
  const validation = frontendValidation(context, frontend, option);
  if (validation && "reason" in validation) return { tls: { mode, ...certificates }, problem: validation };
  return { tls: { mode, ...certificates, ...validation, ...cipherSuites(tls) } };
}

type FrontendValidation = NonNullable<
  NonNullable<NonNullable<GatewayResource["tls"]>["frontend"]>["default"]
>["validation"];

/** How a Gateway checks certificates of clients on a port. */
export function frontendValidationOf(gateway: GatewayResource, port: number): FrontendValidation | undefined {
  const frontend = gateway.tls?.frontend;
  return (frontend?.perPort?.find((one) => one.port === port)?.tls ?? frontend?.default)?.validation;
}

function frontendValidation(
  context: TlsContext,
  validation: FrontendValidation | undefined,
  option: string | undefined,
): Pick<ServerTls, "mode" | "insecureSkipVerify" | "caCertCredentialName"> | Problem | undefined {
  const [reference, ...others] = validation?.caCertificateRefs ?? [];
  if (!validation || !reference) return undefined;
  if (others.length > 0)
    return { reason: "InvalidCACertificateRef", message: "only one caCertificateRef is supported" };
  const roots = caCertificate(context, reference);
  if (typeof roots !== "string") return roots;
  if (option === "MUTUAL" || option === "OPTIONAL_MUTUAL")
    return { mode: option, insecureSkipVerify: false, caCertCredentialName: roots };
  const fallback = validation.mode === "AllowInsecureFallback";
  return {
    mode: fallback ? "OPTIONAL_MUTUAL" : "MUTUAL",
    insecureSkipVerify: fallback,
    caCertCredentialName: roots,
  };
}

function cipherSuites(tls: ListenerTls): Pick<ServerTls, "cipherSuites"> {
  const named = (tls.options?.[CIPHER_SUITES] ?? "").split(",").map((name) => name.trim());
  const suites = [...new Set(named.filter((name) => name !== "" && isCipherSuite(name)))];
  return suites.length > 0 ? { cipherSuites: suites } : {};
}

/** The name to ask the Secret by, or why it cannot be used. What may not be referred to is not said to be there or not. */
function certificate(context: TlsContext, reference: SecretReference): string | Problem {
  const { namespace = context.owner.namespace, name } = reference;
  if (!isPermitted(context, "Secret", namespace, name))
    return notPermitted(context, "certificateRef", `${name}/${namespace}`);
  const fault = secretFault(context, reference);
  if (fault) return { reason: "InvalidCertificateRef", message: `invalid certificate reference ${fault}` };
  return `kubernetes-gateway://${namespace}/${name}`;
}

/** Why a reference to a Secret with a certificate leads nowhere, beginning with what it says. */
export function secretFault(context: TlsContext, reference: SecretReference): string | undefined {
  const { group = "", kind = "Secret", namespace = context.owner.namespace, name } = reference;
  const written = `${group}/${kind}/${name}.${reference.namespace ?? ""}`;
  if (group !== "" || kind !== "Secret") return `${written}, only secret is allowed`;
  const secret = context.world.secret(namespace, name);
  if (secret === undefined) return `${written}, secret ${namespace}/${name} not found`;
  const fault = keyPairFault(secret);
  return fault && `${written}, ${fault}`;
}

function caCertificate(context: TlsContext, reference: ObjectReference): string | Problem {
  const { group, kind, namespace = context.owner.namespace, name } = reference;
  const isSecret = group === "" && kind === "Secret";
  // The order matters: what may not be referred to is not said to be there or not.
  if (!isPermitted(context, isSecret ? "Secret" : "ConfigMap", namespace, name))
    return notPermitted(context, "caCertificateRef", `${namespace}/${name}`);
  const written = `invalid CA certificate reference ${group}/${kind}/${name}.${reference.namespace ?? ""}`;
  if (group !== "" || (kind !== "Secret" && kind !== "ConfigMap"))
    return { reason: "InvalidCACertificateKind", message: `${written}, only secret and configmap are allowed` };
  const content: Content | "unknown" | undefined = isSecret
    ? context.world.secret(namespace, name)
    : context.world.configMap(namespace, name);
  const fault = content === undefined ? `${kind.toLowerCase()} ${namespace}/${name} not found` : rootsFault(content);
  if (fault) return { reason: "InvalidCACertificateRef", message: `${written}, ${fault}` };
  return `${isSecret ? "kubernetes-gateway" : "configmap"}://${namespace}/${name}-cacert`;
}

function isPermitted({ owner, grants }: TlsContext, kind: "Secret" | "ConfigMap", namespace: string, name: string) {
  return namespace === owner.namespace || grants.allows(owner, { group: "", kind, namespace, name });
}

function notPermitted({ owner }: TlsContext, field: string, what: string): Problem {
  return {
    reason: "RefNotPermitted",
    message: `${field} ${what} not accessible to a Gateway in namespace "${owner.namespace}" (missing a ReferenceGrant?)`,
  };
}
