import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The mesh of the discovery benchmark, as files: `services` services in 10 namespaces, each with `endpoints` endpoints in
 * three zones (service i is TCP on port 9000 when i ends in 9, else HTTP on 8080). Every tenth has a VirtualService and a
 * DestinationRule with two subsets, every tenth a DestinationRule with consistent hashing. One more service, `trigger`, is in a
 * file of its own: its first endpoint's address is what a push is told by.
 */

const ip = (number: number) => {
  const value = (10 << 24) + (1 << 16) + number;
  return [24, 16, 8, 0].map((shift) => (value >> shift) & 255).join(".");
};

interface EndpointRow {
  readonly address: string;
  readonly app: string;
  readonly version: string;
  readonly zone: number;
  readonly account: string;
}

function serviceEntry(
  name: string,
  namespace: string,
  vip: string,
  tcp: boolean,
  endpoints: readonly EndpointRow[],
): object {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name, namespace },
    spec: {
      hosts: [`${name}.${namespace}.mesh.example`],
      addresses: [vip],
      ports: [tcp ? { number: 9000, name: "tcp", protocol: "TCP" } : { number: 8080, name: "http", protocol: "HTTP" }],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      endpoints: endpoints.map(({ address, app, version, zone, account }) => ({
        address,
        locality: `region1/zone${zone}`,
        serviceAccount: account,
        labels: { app, version, "security.istio.io/tlsMode": "istio" },
      })),
    },
  };
}

function routing(name: string, namespace: string): readonly object[] {
  const host = `${name}.${namespace}.mesh.example`;
  const to = (subset: string, weight?: number) => ({ destination: { host, subset }, ...(weight ? { weight } : {}) });
  return [
    {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name, namespace },
      spec: {
        hosts: [host],
        http: [
          {
            match: [{ uri: { prefix: "/v2" } }],
            route: [to("v2")],
            timeout: "5s",
            retries: { attempts: 3, perTryTimeout: "2s", retryOn: "5xx,reset" },
          },
          { route: [to("v1", 90), to("v2", 10)] },
        ],
      },
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name, namespace },
      spec: {
        host,
        trafficPolicy: {
          loadBalancer: { simple: "LEAST_REQUEST" },
          connectionPool: { tcp: { maxConnections: 100 }, http: { http2MaxRequests: 1000 } },
          outlierDetection: { consecutive5xxErrors: 5, interval: "10s", baseEjectionTime: "30s" },
        },
        subsets: ["v1", "v2"].map((version) => ({ name: version, labels: { version } })),
      },
    },
  ];
}

/** The trigger service, its first endpoint at `mark`. */
export function triggerDocument(endpoints: number, mark: string): string {
  const rows = Array.from({ length: endpoints }, (_, index) => ({
    address: index === 0 ? mark : `10.240.0.${index}`,
    app: "trigger",
    version: "v1",
    zone: index % 3,
    account: "sa-trigger",
  }));
  return JSON.stringify(serviceEntry("trigger", "ns-0", "240.250.0.1", false, rows));
}

/** The documents of services `from` to `to` (exclusive). */
export function meshDocuments(from: number, to: number, endpoints: number): readonly object[] {
  const documents: object[] = [];
  for (let index = from; index < to; index++) {
    const [name, namespace] = [`svc-${index}`, `ns-${index % 10}`];
    const rows = Array.from({ length: endpoints }, (_, at) => ({
      address: ip(index * endpoints + at),
      app: name,
      version: at % 2 === 0 ? "v1" : "v2",
      zone: at % 3,
      account: `sa-${index}`,
    }));
    const vip = `240.${240 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${(index % 250) + 1}`;
    documents.push(serviceEntry(name, namespace, vip, index % 10 === 9, rows));
    if (index % 10 === 0) documents.push(...routing(name, namespace));
    if (index % 10 === 5)
      documents.push({
        apiVersion: "networking.istio.io/v1",
        kind: "DestinationRule",
        metadata: { name, namespace },
        spec: {
          host: `${name}.${namespace}.mesh.example`,
          trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } },
        },
      });
  }
  return documents;
}

/** Writes the mesh to a folder, 100 services a file. Gives the path of the trigger's file and of its template. */
export async function writeMesh(
  folder: string,
  services: number,
  endpoints: number,
): Promise<{ readonly trigger: string; readonly template: string }> {
  await mkdir(folder, { recursive: true });
  for (let from = 0; from < services; from += 100) {
    const documents = meshDocuments(from, Math.min(services, from + 100), endpoints);
    await writeFile(
      join(folder, `services-${String(from / 100).padStart(3, "0")}.yaml`),
      documents.map((document) => JSON.stringify(document)).join("\n---\n"),
    );
  }
  const trigger = join(folder, "zz-trigger.yaml");
  await writeFile(trigger, triggerDocument(endpoints, "10.249.0.1"));
  const template = `${folder}-trigger.template`;
  await writeFile(template, triggerDocument(endpoints, "@@MARK@@"));
  return { trigger, template };
}
