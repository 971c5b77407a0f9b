import type { ConfigObject } from "@fairlead/config";

/** Annotations of Gateways that stand for listeners of the Gateway API. The names are Istio's. */
export const GATEWAY_SERVICE = "internal.istio.io/gateway-service";
const SERVICE_ACCOUNT = "internal.istio.io/service-account-name";
const PARENT_NAMESPACE = "internal.istio.io/parent-namespace";

/** Addresses of proxies that nobody wrote down. RFC 5737. */
const address = (index: number) => `192.0.2.${2 + (index % 250)}`;

/**
 * What a controller deploys for Gateways of the Gateway API, where the files do not show it: a Service and a Pod each, as
 * JSON documents by lines. `isKnown` tells the Services that are there.
 */
export function gatewayDeployments(
  gateways: Iterable<ConfigObject<"Gateway">>,
  isKnown: (namespace: string, hostname: string) => boolean,
): string {
  const missing = new Map<
    string,
    { namespace: string; name: string; gateway: string; account: string; ports: Set<number> }
  >();
  // Those of a Gateway itself first: they have its name, `NAME~…~LISTENER`; a ListenerSet's have their own.
  const own = (metadata: ConfigObject["metadata"]) => (metadata.annotations[PARENT_NAMESPACE] ? 1 : 0);
  for (const { metadata, spec } of [...gateways].sort((a, b) => own(a.metadata) - own(b.metadata))) {
    const { [GATEWAY_SERVICE]: hostname, [SERVICE_ACCOUNT]: account } = metadata.annotations;
    const namespace = homeOf(metadata);
    if (!hostname || !account || isKnown(namespace, hostname)) continue;
    const [name = ""] = hostname.split(".");
    const [gateway = ""] = metadata.name.split("~");
    const found = missing.get(`${namespace}/${name}`) ?? {
      namespace,
      name,
      gateway,
      account,
      ports: new Set<number>(),
    };
    missing.set(`${namespace}/${name}`, found);
    for (const { port } of spec.servers ?? []) found.ports.add(port.number);
  }
  return [...missing.values()]
    .flatMap(({ namespace, name, gateway, account, ports }, index) => {
      const labels = { "gateway.networking.k8s.io/gateway-name": gateway };
      const managed = { "gateway.istio.io/managed": "istio.io-gateway-controller" };
      const listed = [...ports].map((port) => ({ name: `port-${port}`, port, targetPort: port }));
      return [
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name, namespace, labels: managed },
          spec: { selector: labels, ports: listed, clusterIP: "None" },
        },
        {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, namespace, labels: { ...labels, app: name } },
          spec: { serviceAccountName: account, containers: [{ name: "istio-proxy", image: "proxyv2" }] },
          status: { phase: "Running", podIP: address(index), conditions: [{ type: "Ready", status: "True" }] },
        },
      ];
    })
    .map((document) => JSON.stringify(document))
    .join("\n---\n");
}

/** The namespace of the Service: for a ListenerSet's listener, that of the Gateway. */
export function homeOf({
  namespace,
  annotations,
}: {
  readonly namespace: string;
  readonly annotations: Readonly<Record<string, string>>;
}): string {
  return annotations[PARENT_NAMESPACE] || namespace;
}
