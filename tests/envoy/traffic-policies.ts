import type { ServiceEntry, TrafficPolicy } from "@fairlead/config";

/** Every setting of a DestinationRule's traffic policy, each in a policy that Envoy must take. */
const POLICIES: Readonly<Record<string, TrafficPolicy>> = {
  pool: {
    connectionPool: {
      tcp: {
        maxConnections: 10,
        connectTimeout: "3s",
        tcpKeepalive: { probes: 3, time: "7200s", interval: "75s" },
        maxConnectionDuration: "1h",
        idleTimeout: "5m",
      },
      http: {
        http1MaxPendingRequests: 1,
        http2MaxRequests: 2,
        maxRequestsPerConnection: 3,
        maxRetries: 4,
        idleTimeout: "10s",
        h2UpgradePolicy: "UPGRADE",
        maxConcurrentStreams: 100,
        http2KeepAlive: { interval: "10s", timeout: "5s" },
      },
    },
    retryBudget: { percent: 25.5, minRetryConcurrency: 5 },
  },
  "client-protocol": { connectionPool: { http: { useClientProtocol: true, maxConcurrentStreams: 3 } } },
  budget: { retryBudget: { percent: 0 } },
  outliers: {
    outlierDetection: {
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailures: 2,
      consecutiveGatewayErrors: 3,
      consecutive5xxErrors: 0,
      interval: "5s",
      baseEjectionTime: "30s",
      maxEjectionPercent: 50,
      minHealthPercent: 30,
      outlierDetectionHttpErrorCodes: [500, 503],
    },
  },
  code: { outlierDetection: { consecutive5xxErrors: 2, outlierDetectionHttpErrorCodes: [500] } },
  random: { loadBalancer: { simple: "RANDOM" } },
  passthrough: { loadBalancer: { simple: "PASSTHROUGH" } },
  "round-robin": {
    loadBalancer: { simple: "ROUND_ROBIN", warmup: { duration: "10s", minimumPercent: 20, aggression: 1.5 } },
  },
  "least-request": { loadBalancer: { simple: "LEAST_REQUEST", warmupDurationSecs: "10s" } },
  "hash-header": { loadBalancer: { consistentHash: { httpHeaderName: "x", minimumRingSize: 2048 } } },
  "hash-cookie": {
    loadBalancer: {
      consistentHash: {
        httpCookie: { name: "c", path: "/", ttl: "1s", attributes: [{ name: "SameSite", value: "Lax" }] },
        ringHash: { minimumRingSize: 512 },
      },
    },
  },
  "hash-source": { loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 1009 } } } },
  "hash-parameter": { loadBalancer: { consistentHash: { httpQueryParameterName: "q" } } },
  utilization: {
    loadBalancer: {
      backendUtilization: {
        weightStabilizationPeriod: "10s",
        weightExpirationPeriod: "180s",
        weightUpdatePeriod: "1s",
        errorUtilizationPenaltyPercent: 150,
        metricNamesForComputingUtilization: ["named_metrics.load"],
      },
    },
  },
  failover: {
    loadBalancer: { localityLbSetting: { enabled: true, failover: [{ from: "a", to: "b" }] } },
    outlierDetection: { consecutive5xxErrors: 3 },
  },
  "failover-priority": {
    loadBalancer: { localityLbSetting: { failoverPriority: ["version", "region=a"] } },
    outlierDetection: { consecutive5xxErrors: 3 },
  },
  distribute: { loadBalancer: { localityLbSetting: { distribute: [{ from: "*", to: { "a/*": 80, "b/*": 20 } }] } } },
  "zone-aware": {
    loadBalancer: { zoneAwareLbSetting: { enabled: true, minClusterSize: 3, failover: [{ from: "a", to: "b" }] } },
  },
  "not-zone-aware": { loadBalancer: { zoneAwareLbSetting: { enabled: false } } },
  tls: { tls: { mode: "SIMPLE" } },
  "tls-unverified": { tls: { mode: "SIMPLE", insecureSkipVerify: true } },
  "tls-names": {
    tls: { mode: "SIMPLE", caCertificates: "/etc/ca.pem", sni: "x.example", subjectAltNames: ["a.example"] },
  },
  "tls-files": {
    tls: { mode: "MUTUAL", clientCertificate: "/c.pem", privateKey: "/k.pem", caCertificates: "/ca.pem" },
  },
  "tls-credential": { tls: { mode: "MUTUAL", credentialName: "credential" } },
  "tls-mesh": { tls: { mode: "ISTIO_MUTUAL" } },
  "tls-off": { tls: { mode: "DISABLE" } },
  proxied: { proxyProtocol: { version: "V1" } },
  "proxied-tls": { proxyProtocol: { version: "V2" }, tls: { mode: "SIMPLE" } },
  "proxied-plaintext": { proxyProtocol: { version: "V2" }, tls: { mode: "DISABLE" } },
  tunnel: { tunnel: { protocol: "CONNECT", targetHost: "x.example", targetPort: 443 } },
  ports: {
    portLevelSettings: [
      { port: { number: 80 }, loadBalancer: { simple: "RANDOM" }, tls: { mode: "SIMPLE" } },
      { port: { number: 9000 }, connectionPool: { tcp: { maxConnections: 2 } } },
    ],
  },
};

const PORTS = [
  { number: 80, name: "http", protocol: "HTTP" },
  { number: 443, name: "tls", protocol: "TLS" },
  { number: 9000, name: "tcp", protocol: "TCP" },
  { number: 50051, name: "grpc", protocol: "GRPC" },
  { number: 7000, name: "undeclared" },
] as const;
const named = PORTS.filter(({ name }) => name !== "tcp" && name !== "undeclared");

/** Services of every resolution. */
const RESOLUTIONS: Readonly<Record<string, Partial<ServiceEntry>>> = {
  static: {
    resolution: "STATIC",
    endpoints: [
      { address: "10.0.0.1", locality: "a/z" },
      { address: "10.0.0.2", locality: "b/z", weight: 3 },
    ],
  },
  dns: { resolution: "DNS", endpoints: [{ address: "a.example" }, { address: "b.example", locality: "r/z" }] },
  "dns-round-robin": { resolution: "DNS_ROUND_ROBIN", endpoints: [{ address: "a.example" }] },
  none: { resolution: "NONE", ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 8080 }] },
  wildcard: { resolution: "DYNAMIC_DNS", location: "MESH_EXTERNAL", ports: named },
};

interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

function pair(name: string, policyName: string, policy: TrafficPolicy, resolution: string): readonly Document[] {
  const host = resolution === "wildcard" ? `*.${name}.example` : `${name}.example`;
  const object = (kind: string, spec: object) => ({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name },
    spec,
  });
  const subsets = [{ name: "v1", labels: {}, trafficPolicy: { ...policy } }];
  return [
    object("ServiceEntry", { hosts: [host], location: "MESH_INTERNAL", ports: PORTS, ...RESOLUTIONS[resolution] }),
    object("DestinationRule", {
      host,
      trafficPolicy: policy,
      ...(resolution === "static" && policyName !== "tunnel" ? { subsets } : {}),
    }),
  ];
}

/** Services with one policy each, of every resolution, and a gateway that passes mTLS on by SNI; as YAML. */
export function trafficPolicyMesh(): string {
  const all = Object.entries(RESOLUTIONS).flatMap(([resolution]) =>
    Object.entries(POLICIES).flatMap(([name, policy]) => pair(`${name}-${resolution}`, name, policy, resolution)),
  );
  const gateway: Document = {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "gateway" },
    spec: {
      selector: { app: "gateway" },
      servers: [
        {
          port: { number: 15443, name: "tls", protocol: "TLS" },
          hosts: ["*.local"],
          tls: { mode: "AUTO_PASSTHROUGH" },
        },
      ],
    },
  };
  return [...all, gateway].map((document) => JSON.stringify(document)).join("\n---\n");
}
