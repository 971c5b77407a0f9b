import {
  IdentityError,
  kubernetesHost,
  kubernetesPortProtocol,
  type Labels,
  type Service,
  type ServicePort,
  workloadSpiffeId,
} from "@fairlead/model";
import { trafficDistribution } from "../traffic-distribution.ts";
import type { Field } from "./field.ts";
import type { Surroundings } from "./options.ts";
import type { Reading } from "./reading.ts";

const EXPORT_TO = "networking.istio.io/exportTo";
const SERVICE_ACCOUNTS = "alpha.istio.io/kubernetes-serviceaccounts";
const NODE_SELECTOR = "traffic.istio.io/nodeSelector";

/** The service that a v1 Service stands for. Source: Istio `kube.ConvertService`. */
export function kubernetesService(reading: Reading, namespaceAnnotations: Labels, surroundings: Surroundings): Service {
  const { root, name, namespace } = reading;
  const spec = root.at("spec");
  const metadata = root.at("metadata");
  const annotations = metadata.at("annotations").labels();
  const type = spec.at("type").text();
  const clusterIP = spec.at("clusterIP").text() ?? "";
  const headless = clusterIP === "None";
  const externalName = type === "ExternalName" ? spec.at("externalName").nonEmptyText() : undefined;
  const selector = spec.at("selector").labels();
  const distribution = trafficDistribution(spec.at("trafficDistribution").text(), annotations, namespaceAnnotations);
  for (const diagnostic of distribution.diagnostics) reading.report(diagnostic);
  const creationTime = metadata.at("creationTimestamp").text();
  const externalAddresses = reachableFrom(spec, root.at("status"), type);
  if (spec.at("sessionAffinity").text() === "ClientIP")
    reading.unsupported(
      "spec.sessionAffinity",
      "proxies do not look at it: a DestinationRule with consistentHash.useSourceIp keeps clients on an endpoint",
    );
  if (type === "NodePort" && annotations[NODE_SELECTOR] !== undefined)
    reading.unsupported(
      `metadata.annotations[${JSON.stringify(NODE_SELECTOR)}]`,
      "node ports are not used as a gateway's addresses",
    );
  return {
    hostname: kubernetesHost(name, namespace, surroundings.domainSuffix),
    namespace,
    name,
    registry: "Kubernetes",
    ports: spec.at("ports").items().flatMap(servicePort),
    addresses: headless || clusterIP === "" ? [] : clusterAddresses(clusterIP, spec.at("clusterIPs").texts()),
    resolution: headless ? "Passthrough" : externalName ? "Alias" : "ClientSideLB",
    meshExternal: externalName !== undefined,
    exportTo: [...new Set(listed(annotations[EXPORT_TO]))],
    labels: metadata.at("labels").labels(),
    ...(Object.keys(selector).length > 0 && { selector }),
    subjectAltNames: [
      ...listed(annotations["alpha.istio.io/canonical-serviceaccounts"]),
      ...listed(annotations[SERVICE_ACCOUNTS]).flatMap((account) =>
        identity(reading, surroundings.trustDomain, account),
      ),
    ],
    ...(creationTime && { creationTime }),
    source: reading.ref,
    ...(headless && { headless }),
    ...(externalName && { externalName }),
    ...(spec.at("publishNotReadyAddresses").flag() && { publishNotReadyAddresses: true }),
    ...(distribution.value && { trafficDistribution: distribution.value }),
    ...(spec.at("internalTrafficPolicy").text() === "Local" && { nodeLocal: true }),
    ...(externalAddresses.length > 0 && { externalAddresses }),
  };
}

function identity(reading: Reading, trustDomain: string, serviceAccount: string): readonly string[] {
  try {
    return [workloadSpiffeId(trustDomain, reading.namespace, serviceAccount).uri];
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    const path = `metadata.annotations[${JSON.stringify(SERVICE_ACCOUNTS)}]`;
    reading.report({ code: "invalid-identity", severity: "error", path, message: error.message });
    return [];
  }
}

function servicePort(field: Field): readonly ServicePort[] {
  const number = field.at("port").port();
  if (number === undefined) return [];
  const name = field.at("name").text() ?? "";
  const target = field.at("targetPort");
  const targetPort = typeof target.value === "string" ? target.nonEmptyText() : target.port();
  const transport = field.at("protocol").text();
  const appProtocol = field.at("appProtocol").text();
  const protocol = kubernetesPortProtocol({
    number,
    name,
    ...(transport !== undefined && { transport }),
    ...(appProtocol !== undefined && { appProtocol }),
  });
  return [{ number, name, protocol, ...(targetPort !== undefined && { targetPort }) }];
}

function clusterAddresses(first: string, all: readonly string[]): readonly string[] {
  return all.length > 1 ? all : [first];
}

/** Load balancer addresses (an IP before its name; names are not resolved here), then external IPs. */
function reachableFrom(spec: Field, status: Field, type: string | undefined): readonly string[] {
  const ingress = type === "LoadBalancer" ? status.at("loadBalancer").at("ingress").items() : [];
  return [
    ...ingress.flatMap((entry) => entry.at("ip").nonEmptyText() ?? entry.at("hostname").nonEmptyText() ?? []),
    ...spec.at("externalIPs").texts(),
  ];
}

function listed(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}
