import { type ParsedDocument, parseDocuments } from "@fairlead/config";

/**
 * The ingress gateway that an installation brings: files under analysis seldom hold it, and a Gateway that selects
 * `istio: ingressgateway` is not wrong for that.
 */
export function defaultGateway(namespace: string, service: string): readonly ParsedDocument[] {
  const ports = [
    ["http2", 80],
    ["https", 443],
    ["tcp", 31_400],
    ["tls", 15_443],
  ] as const;
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${service}-dummypod`, namespace, labels: { istio: "ingressgateway" } },
    spec: { containers: [{ name: "istio-proxy", image: "" }] },
  };
  const front = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: service, namespace },
    spec: {
      selector: { istio: "ingressgateway" },
      ports: ports.map(([name, port]) => ({ name, port, protocol: "TCP", targetPort: port })),
    },
  };
  return [pod, front].flatMap(
    (object) => parseDocuments(JSON.stringify(object), { file: "internal-ingress" }).documents,
  );
}
