import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { type Branch, evaluate, evaluateResources, type Resources } from "@fairlead/simulator";
import { translate } from "@fairlead/xds/translate";
import type { Asked } from "./differential-arbitrary.ts";
import { type Observed, watched } from "./differential-observed.ts";

/** A proxy of the mesh: what it is sent and where it listens. */
export interface Proxy {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  readonly address: string;
  readonly port: number;
  readonly resources: Resources;
}

export function proxyOf(mesh: Mesh, node: ProxyNode, address: string, port: number): Proxy {
  const { listeners, routes, clusters, endpoints } = translate(mesh, node);
  const plain = <R>(generated: readonly { readonly resource: object }[]) =>
    generated.map(({ resource }) => resource as R);
  return {
    mesh,
    node,
    address,
    port,
    resources: {
      listeners: plain(listeners),
      routes: plain(routes),
      clusters: plain(clusters),
      endpoints: plain(endpoints),
    },
  };
}

/** One thing that may come of a request, as {@link Observed}, with the backends that may have answered. */
interface Expected extends Omit<Observed, "got" | "body"> {
  readonly share: number;
  readonly body?: string;
  readonly backends?: readonly string[];
  readonly got?: { readonly path: string; readonly host: string; readonly headers: Readonly<Record<string, string>> };
}

/** Why an observation is none of what the simulator says may happen; undefined when it is one of them. */
export function disagreement(proxy: Proxy, asked: Asked, observed: Observed): object | undefined {
  const expected = branchesOf(proxy, asked).map((branch) => expectation(proxy, branch));
  if (!expected.some((one) => agrees(one, observed))) return { asked, observed, expected };
  return answerDisagreement(proxy, asked, observed, expected.length === 1);
}

function branchesOf(
  { resources, address, port }: Proxy,
  { method, host, path, headers, claims }: Asked,
): readonly Branch[] {
  const query = path.indexOf("?");
  const pseudo = [
    [":method", method],
    [":authority", host],
    [":path", path],
    [":scheme", "http"],
  ] as const;
  return evaluateResources(resources, {
    entry: "bound",
    connection: {
      destination: { address, port },
      source: { address: "127.0.0.1", port: 40_000 },
      tls: false,
      sni: "",
      alpn: [],
      protocol: "http/1.1",
    },
    request: {
      path,
      pathname: query < 0 ? path : path.slice(0, query),
      headers: new Map([...pseudo, ...Object.entries(headers)]),
      metadata: new Map(),
      ...(claims && { claims }),
    },
  }).branches.filter(({ share }) => share > 0);
}

function expectation({ resources }: Proxy, branch: Branch): Expected {
  const { share } = branch;
  if (branch.kind === "closed") return { share, status: 0, headers: {} };
  if (branch.kind === "reply") {
    const { status, headers = {}, body, by } = branch.reply;
    return {
      share,
      status,
      ...(headers.location !== undefined && { location: headers.location }),
      ...(by === "direct response" && { body: body ?? "" }),
      headers: watched((name) => headers[name]),
    };
  }
  const backends = backendsOf(resources, branch.cluster);
  if (backends.length === 0) return { share, status: 503, headers: {} };
  const answer = new Map([["x-r", "backend"]]);
  for (const change of branch.responseHeaders)
    if ("remove" in change) answer.delete(change.remove);
    else {
      const present = answer.get(change.header);
      answer.set(
        change.header,
        change.action === "append" && present !== undefined ? `${present},${change.value}` : change.value,
      );
    }
  const { headers } = branch;
  return {
    share,
    status: 200,
    headers: watched((name) => answer.get(name)),
    backends,
    got: {
      path: headers.get(":path") ?? "",
      host: headers.get(":authority") ?? "",
      headers: watched((name) => headers.get(name)),
    },
  };
}

function backendsOf({ clusters = [], endpoints = [] }: Resources, name: string): readonly string[] {
  const cluster = clusters.find((one) => one.name === name);
  const assigned = cluster?.edsClusterConfig?.serviceName || name;
  const assignment = cluster?.loadAssignment ?? endpoints.find(({ clusterName }) => clusterName === assigned);
  if (!cluster) return [];
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints = [] }) =>
    lbEndpoints.map(({ endpoint }) => {
      const { address = "", portValue = 0 } = endpoint?.address?.socketAddress ?? {};
      return `${address}:${portValue}`;
    }),
  );
}

function agrees({ share: _, backends, got, body, ...expected }: Expected, observed: Observed): boolean {
  const { got: real, body: said, ...rest } = observed;
  // What Envoy's own 503 carries besides its status is nothing that a route decides.
  if (expected.status === 503 && got === undefined && body === undefined)
    return rest.status === 503 && real === undefined;
  if (canonical(expected) !== canonical(rest) || (body !== undefined && body !== said)) return false;
  if (got === undefined || real === undefined) return got === real;
  const { by, ...request } = real;
  return canonical(got) === canonical(request) && (backends ?? []).includes(by);
}

/** The answer of `evaluate` to the same question. */
function answerDisagreement(proxy: Proxy, asked: Asked, observed: Observed, only: boolean): object | undefined {
  const answer = evaluate(proxy.mesh, {
    from: proxy.node,
    request: {
      url: `http://name.test${asked.path}`,
      method: asked.method,
      headers: { ...asked.headers, host: asked.host },
      ...(asked.claims && { claims: asked.claims }),
    },
    at: `${proxy.address}:${proxy.port}`,
    client: "127.0.0.1",
  });
  const { outcome, destinations, response } = answer;
  const by = observed.got?.by;
  // Files need not show Pods: a destination without known endpoints counts as routed, and says that it has none.
  const lost = destinations.some(({ share, endpoints }) => share > 0 && endpoints.length === 0);
  const fits =
    by === undefined
      ? !only || (lost ? observed.status === 503 : outcome !== "routed" && response?.status === observed.status)
      : destinations.some(
          ({ share, endpoints }) => share > 0 && endpoints.some((one) => one.address === by && one.share > 0),
        ) &&
        (!only || outcome === "routed");
  return fits ? undefined : { asked, observed, outcome, destinations, response };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === "object" && child !== null
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
