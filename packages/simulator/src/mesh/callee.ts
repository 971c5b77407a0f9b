import { type Mesh, workloadPort } from "@fairlead/mesh";
import { isSubsetHost, matchesLabels, resolveShortHost, type Service, type Workload } from "@fairlead/model";
import { parseClusterName } from "@fairlead/xds/translate";
import type { EndpointShare } from "../cluster/endpoints.ts";
import type { Cluster } from "../envoy.ts";
import { UNKNOWN_ADDRESS } from "./node.ts";

/** A workload at the end of a cluster. */
export interface Callee {
  readonly workload: Workload;
  readonly address: string;
  readonly port: number;
  /** Of the cluster's requests. */
  readonly share: number;
}

const known = new WeakMap<Cluster, readonly Callee[]>();

/** The workloads behind a cluster of the mesh, see {@link findCallees}; found once. */
export function calleesOf(mesh: Mesh, cluster: Cluster, endpoints: readonly EndpointShare[]): readonly Callee[] {
  let callees = known.get(cluster);
  if (callees === undefined) {
    callees = findCallees(mesh, cluster.name ?? "", endpoints);
    known.set(cluster, callees);
  }
  return callees;
}

/**
 * The workloads behind a cluster: of its endpoints, or, when none has an address (Deployments without Pods), those that
 * the service and subset select, taken as equal.
 */
function findCallees(mesh: Mesh, cluster: string, endpoints: readonly EndpointShare[]): readonly Callee[] {
  if (endpoints.length > 0)
    return endpoints.flatMap(({ host, port, share }) => {
      const [workload] = mesh.bucket("workloadAddress", host) ?? [];
      return workload ? [{ workload, address: host, port, share }] : [];
    });
  const name = parseClusterName(cluster);
  if (name === undefined || name.direction !== "outbound") return [];
  const service = (mesh.bucket("host", name.host) ?? []).find(
    ({ selector }) => selector && Object.keys(selector).length > 0,
  );
  const port = service?.ports.find(({ number }) => number === name.port);
  if (service === undefined || port === undefined) return [];
  const labels = { ...service.selector, ...subsetLabels(mesh, service, name.subset) };
  const templates = (mesh.bucket("workloads", service.namespace) ?? []).filter(
    (workload) => workload.addresses.length === 0 && matchesLabels(labels, workload.labels),
  );
  return templates.flatMap((workload) => {
    const number = workloadPort(workload, port);
    return number === undefined
      ? []
      : [{ workload, address: UNKNOWN_ADDRESS, port: number, share: 1 / templates.length }];
  });
}

function subsetLabels(mesh: Mesh, service: Service, subset: string): Readonly<Record<string, string>> {
  if (subset === "") return {};
  for (const { spec, metadata } of mesh.objects("DestinationRule")) {
    if (!isSubsetHost(service.hostname, resolveShortHost(spec.host ?? "", metadata.namespace))) continue;
    const found = spec.subsets?.find(({ name }) => name === subset);
    if (found) return found.labels ?? {};
  }
  return {};
}
