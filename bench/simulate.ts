import { type Call, type Connection, evaluateResources, type Resources } from "@fairlead/simulator";

/**
 * Evaluations a second on one core: one listener, one route configuration of `hosts` virtual hosts with a VirtualService's worth
 * of routes each (a header, a prefix, an expression, the rest with weights), resources compiled once. Requests go round all hosts.
 */
export interface SimulateResult {
  readonly hosts: number;
  readonly evaluations: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** The first answer, for which everything is compiled. */
  readonly firstMilliseconds: number;
}

const MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

function resourcesOf(hosts: number): Resources {
  const virtualHosts = Array.from({ length: hosts }, (_, index) => {
    const host = `service-${index}.shop.svc.cluster.local`;
    const to = (subset: string) => ({ cluster: `outbound|80|${subset}|${host}`, timeout: "0s" });
    return {
      name: `${host}:80`,
      domains: [host, `service-${index}.shop`, `service-${index}`, `10.1.${index >> 8}.${index & 255}`],
      routes: [
        { match: { prefix: "/", headers: [{ name: "end-user", stringMatch: { exact: "jason" } }] }, route: to("v2") },
        { match: { pathSeparatedPrefix: "/api/v1" }, route: to("v1") },
        { match: { safeRegex: { regex: "/items/[0-9]+" } }, route: to("v1") },
        {
          match: { prefix: "/" },
          route: {
            weightedClusters: {
              clusters: [
                { name: to("v1").cluster, weight: 90 },
                { name: to("v2").cluster, weight: 10 },
              ],
            },
          },
        },
      ],
    };
  });
  const manager = {
    "@type": MANAGER,
    rds: { routeConfigName: "80" },
    httpFilters: [
      {
        name: "envoy.filters.http.fault",
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault" },
      },
      {
        name: "envoy.filters.http.cors",
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors" },
      },
      {
        name: "envoy.filters.http.router",
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  const address = { socketAddress: { address: "0.0.0.0", portValue: 80 } };
  const filters = [{ name: "envoy.filters.network.http_connection_manager", typedConfig: manager }];
  return {
    listeners: [{ name: "0.0.0.0_80", address, filterChains: [{ filters }] }],
    routes: [{ name: "80", virtualHosts }],
  };
}

function callsOf(hosts: number): readonly Call[] {
  const connection: Connection = {
    destination: { address: "10.1.0.1", port: 80 },
    source: { address: "10.2.0.1", port: 50_000 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: "http/1.1",
  };
  return Array.from({ length: hosts }, (_, index) => {
    const path = ["/", "/api/v1/list?page=2", "/items/42", "/other"][index % 4] ?? "/";
    const headers = new Map([
      [":authority", `service-${index}.shop.svc.cluster.local`],
      [":method", "GET"],
      [":path", path],
      [":scheme", "http"],
      ["user-agent", "bench"],
      ...(index % 5 === 0 ? [["end-user", "jason"] as const] : []),
    ]);
    const query = path.indexOf("?");
    const pathname = query < 0 ? path : path.slice(0, query);
    return { entry: "outbound", connection, request: { path, pathname, headers, metadata: new Map() } };
  });
}

/** Runs for about `seconds`, after a second of warming up. */
export function measureSimulation({ hosts = 1000, seconds = 3 } = {}): SimulateResult {
  const resources = resourcesOf(hosts);
  const calls = callsOf(hosts);
  const begin = process.cpuUsage();
  const spent = (since: NodeJS.CpuUsage) => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1e6;
  };
  const round = () => {
    for (const call of calls)
      if (evaluateResources(resources, call).branches[0]?.kind !== "forward")
        throw new Error("a request was not forwarded");
  };
  const [first] = calls;
  if (first) evaluateResources(resources, first);
  const firstMilliseconds = spent(begin) * 1000;
  for (const warm = process.cpuUsage(); spent(warm) < 1; ) round();
  const start = process.cpuUsage();
  let evaluations = 0;
  while (spent(start) < seconds) {
    round();
    evaluations += calls.length;
  }
  const total = spent(start);
  return { hosts, evaluations, seconds: total, perSecond: evaluations / total, firstMilliseconds };
}

/** For `pnpm bench simulate`. */
export function printSimulation(): void {
  const { hosts, evaluations, seconds, perSecond, firstMilliseconds } = measureSimulation();
  console.log(
    `simulate: ${hosts} virtual hosts, ${evaluations} evaluations in ${seconds.toFixed(2)} s of CPU: ${Math.round(perSecond)} a second; the first took ${firstMilliseconds.toFixed(1)} ms`,
  );
}
