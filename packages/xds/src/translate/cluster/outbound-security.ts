import { compliancePolicyOf, type EffectiveDestinationRule, meshConfigOf, type Reader } from "@fairlead/mesh";
import { isHttp, isHttp2 } from "@fairlead/model";
import { isGateway, metadataFlag, proxySettingsOf } from "../listener/node-settings.ts";
import { sniClusterName } from "../names.ts";
import { type EffectiveTls, effectiveTls } from "./client-tls.ts";
import type { Discovery } from "./discovery-type.ts";
import type { OutboundInput } from "./outbound.ts";
import type { EffectivePolicy } from "./policy.ts";
import { protocolOptions, speaksHttp2 } from "./protocol-options.ts";
import { endpointFacts } from "./service-facts.ts";
import { automaticMutualTls, type TransportFields, tlsSocket, withProxyProtocol } from "./transport.ts";
import { upstreamTlsContext } from "./upstream-tls-context.ts";

export interface Secured {
  readonly transport: TransportFields;
  readonly options: ReturnType<typeof protocolOptions>;
  readonly tlsMode: NonNullable<EffectivePolicy["tls"]>["mode"] | undefined;
  /** Certificates are not checked against the request's host, or there are none: a dynamic forward proxy must be told. */
  readonly insecure: boolean;
}

/** Transport security and HTTP options, which depend on each other. */
export function secured(
  read: Reader,
  input: OutboundInput,
  policy: EffectivePolicy | undefined,
  discovery: Discovery,
  name: string,
): Secured {
  const { service, port, rule } = input;
  const gateway = isGateway(read);
  const protocol = {
    protocol: port.protocol,
    sniffs: !gateway,
    preserveCase: proxySettingsOf(read).proxyHeaders?.preserveHttp1HeaderCase ?? false,
    upgrade: meshConfigOf(read).h2UpgradePolicy ?? "DO_NOT_UPGRADE",
    pool: policy?.connectionPool,
    errorCodes: policy?.outlierDetection?.outlierDetectionHttpErrorCodes ?? [],
  };
  const tls = input.passesThrough ? undefined : tlsOf(read, input, policy, discovery);
  const usable = tls && isUsable(tls, gateway, rule) ? tls : undefined;
  const { autoSni, autoSanValidation } = automaticNames(usable?.settings, discovery === "CUSTOM");
  const context =
    usable &&
    upstreamTlsContext({
      settings: usable.settings,
      clusterName: name,
      content: speaksHttp2(protocol) || isHttp2(port.protocol) ? "http2" : isHttp(port.protocol) ? "http" : "tcp",
      serviceNames: service.registry === "External" ? endpointFacts(read, service).identities : [],
      dynamic: discovery === "CUSTOM",
      tlsDefaults: meshConfigOf(read).tlsDefaults,
      compliance: compliancePolicyOf(read),
      credentialSocket: Boolean(usable.settings.credentialName) && metadataFlag(read, "credential"),
      fileSocket: isFromFiles(usable) && metadataFlag(read, "file-credential"),
    });
  const plain: TransportFields = context ? { transportSocket: tlsSocket(context) } : {};
  const automatic = usable?.automatic && usable.settings.mode === "ISTIO_MUTUAL" && discovery !== "ORIGINAL_DST";
  const transport = automatic && plain.transportSocket ? automaticMutualTls(plain.transportSocket) : plain;
  const options = protocolOptions({ ...protocol, autoSni, autoSanValidation });
  return {
    transport:
      policy?.proxyProtocol && !input.passesThrough ? withProxyProtocol(transport, policy.proxyProtocol) : transport,
    options,
    tlsMode: policy?.tls?.mode,
    insecure: options !== undefined && !(autoSni && autoSanValidation),
  };
}

function tlsOf(read: Reader, input: OutboundInput, policy: EffectivePolicy | undefined, discovery: Discovery) {
  const { service, port, rule, subset } = input;
  const stated =
    subset === "" ? rule?.spec.trafficPolicy : rule?.spec.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  return effectiveTls(read, {
    service,
    port,
    policy,
    identities: () => endpointFacts(read, service).identities,
    sni: discovery === "CUSTOM" ? "" : sniClusterName(port.number, subset, service.hostname),
    passthrough: service.resolution === "Passthrough" || stated?.loadBalancer?.simple === "PASSTHROUGH",
  });
}

function isFromFiles({ settings }: EffectiveTls): boolean {
  return !settings.credentialName && (settings.mode === "SIMPLE" || settings.mode === "MUTUAL");
}

/**
 * A credential by name is for gateways, and for sidecars that a rule selects: a rule for all would make every sidecar
 * wait for a secret that it may not read. MUTUAL without a certificate is reported and left out.
 */
function isUsable({ settings }: EffectiveTls, gateway: boolean, rule: EffectiveDestinationRule | undefined): boolean {
  const { mode, credentialName, clientCertificate, privateKey } = settings;
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return true;
  if (credentialName)
    return gateway || credentialName.startsWith("configmap://") || rule?.spec.workloadSelector !== undefined;
  return mode === "SIMPLE" || Boolean(clientCertificate && privateKey);
}

/** Without a stated SNI it is the request's host, and the certificate must then be for that host. */
function automaticNames(
  settings: EffectiveTls["settings"] | undefined,
  dynamic: boolean,
): { readonly autoSni: boolean; readonly autoSanValidation: boolean } {
  const user = settings?.mode === "SIMPLE" || settings?.mode === "MUTUAL";
  if (!settings || !(user || (dynamic && settings.mode === "ISTIO_MUTUAL")))
    return { autoSni: false, autoSanValidation: false };
  const autoSni = !settings.sni;
  const named = (settings.subjectAltNames ?? []).length > 0;
  return { autoSni, autoSanValidation: (dynamic || (autoSni && !named)) && !settings.insecureSkipVerify };
}
