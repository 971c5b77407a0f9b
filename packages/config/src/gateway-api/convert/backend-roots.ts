import type { ClientTls } from "../../kinds/destination-rule/client-tls.ts";
import type { TlsValidation } from "../kinds/backend-policy.ts";
import { rootsMissing } from "./certificate.ts";
import type { Aspect, Problem } from "./condition.ts";
import { VALID } from "./policy-status.ts";
import { type GatewayApiWorld, kubernetesService } from "./world.ts";

/** What a backend's certificate is checked against. */
export interface Roots {
  readonly credentialName?: string;
  readonly accepted?: Problem | undefined;
  readonly resolved?: Problem | undefined;
  readonly note: string;
}

export function tlsAspects(roots: Roots, problem: Problem | undefined): Readonly<Record<string, Aspect>> {
  return {
    Accepted: { reason: "Accepted", message: `${VALID}${roots.note}`, problem },
    ResolvedRefs: { reason: "ResolvedRefs", message: VALID, problem: roots.resolved },
  };
}

/** A credential that nobody has: connections fail rather than go unverified. */
const INVALID_CREDENTIAL = "invalid://";

export function rootsOf(world: GatewayApiWorld, validation: TlsValidation | undefined, namespace: string): Roots {
  const { wellKnownCACertificates: known, caCertificateRefs = [] } = validation ?? {};
  if (known !== undefined)
    return {
      note: "",
      ...(known !== "System" && {
        accepted: { reason: "Invalid", message: `Unknown wellKnownCACertificates: ${known}` },
      }),
    };
  const [reference, ...others] = caCertificateRefs;
  if (!reference) return { note: "" };
  const note = others.length > 0 ? "; warning: only the first caCertificateRefs will be used" : "";
  const { group, kind, name } = reference;
  const refuse = (reason: string, message: string, fault: string): Roots => ({
    note,
    credentialName: INVALID_CREDENTIAL,
    resolved: { reason, message: `${message}: ${fault}` },
    accepted: { reason: "NoValidCACertificate", message: `Certificate reference invalid: ${fault}` },
  });
  const ofCluster = group === "" && (kind === "ConfigMap" || kind === "Secret" || kind === "Service");
  if (!ofCluster) return refuse("InvalidKind", "Certificate reference not supported", `unsupported kind ${kind}`);
  const content =
    kind === "ConfigMap"
      ? world.configMap(namespace, name)
      : kind === "Secret"
        ? world.secret(namespace, name)
        : kubernetesService(world, namespace, name) && {};
  if (content === undefined)
    return refuse(
      "InvalidCACertificateRef",
      "Certificate reference not found",
      `reference ${namespace}/${name} (of kind ${kind}) not found`,
    );
  if (kind !== "ConfigMap")
    return refuse("InvalidKind", "Certificate reference invalid", `unsupported reference kind: ${kind}`);
  const fault = rootsMissing(content);
  if (fault) return refuse("InvalidCACertificateRef", "Certificate invalid", fault);
  return { note, credentialName: `configmap://${namespace}/${name}` };
}

export function subjectAltNames({ subjectAltNames = [] }: TlsValidation): Pick<ClientTls, "subjectAltNames"> {
  const names = subjectAltNames.flatMap(({ type, hostname, uri }) => (type === "URI" ? uri : hostname) ?? []);
  return names.length > 0 ? { subjectAltNames: names } : {};
}
