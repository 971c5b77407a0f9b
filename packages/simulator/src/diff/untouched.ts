import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { endpointsOfCluster } from "../cluster/endpoints.ts";
import { SimulatorError } from "../error.ts";
import { evaluateResources } from "../evaluate-resources.ts";
import type { Evaluation } from "../evaluation.ts";
import { calleesOf } from "../mesh/callee.ts";
import { entryPoint } from "../mesh/entry.ts";
import { nodeOf } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import { type ParsedRequest, parseRequest } from "../request.ts";
import { indexOf, type Resources } from "../resources.ts";
import type { Candidate } from "./candidate.ts";
import { same } from "./same.ts";
import { hostsOf, settingsOf } from "./same-hosts.ts";

interface Side {
  readonly mesh: Mesh;
  readonly resources: Resources;
}

/**
 * Tells the requests whose whole way is the same on both sides, so that their answers need not be made: every resource that they pass,
 * of routes the virtual host, and the proxies of the callees.
 */
export function untouched(before: Mesh, after: Mesh, node: ProxyNode): (candidate: Candidate) => boolean {
  const sides = [before, after].map((mesh): Side => ({ mesh, resources: worldOf(mesh, node).resources }));
  const [old, now] = sides;
  const known = new Map<string, boolean>();
  const once = (key: string, test: () => boolean): boolean => {
    let result = known.get(key);
    if (result === undefined) {
      result = test();
      known.set(key, result);
    }
    return result;
  };
  const equal = (pick: (side: Side) => readonly (object | undefined)[] | undefined) => {
    const [left, right] = [old && pick(old), now && pick(now)];
    if (left === undefined || right === undefined) return left === right;
    return left.length === right.length && left.every((one, index) => same(one, right[index]));
  };
  const isSame = ({ listener = "", routeConfiguration, branches }: Evaluation): boolean =>
    once(`listener ${listener}`, () =>
      equal(({ resources }) => [resources.listeners.find(({ name = "" }) => name === listener)]),
    ) &&
    branches.every(
      (branch) =>
        (routeConfiguration === undefined ||
          once(`host ${routeConfiguration} ${branch.virtualHost}`, () =>
            equal(({ resources }) => hostOf(resources, routeConfiguration, branch.virtualHost)),
          )) &&
        (branch.kind !== "forward" ||
          [branch, ...branch.mirrors].every(({ cluster }) =>
            once(`cluster ${cluster}`, () => equal((side) => endOf(side, cluster))),
          )),
    );
  return (candidate) => {
    const request = requestOf(candidate);
    // What no client can send is no news either.
    if (request === undefined) return true;
    return sides.every(({ mesh, resources }) =>
      isSame(evaluateResources(resources, entryPoint(mesh, node, request, candidate))),
    );
  };
}

function requestOf({ request }: Candidate): ParsedRequest | undefined {
  try {
    return parseRequest(request);
  } catch (error) {
    if (error instanceof SimulatorError) return undefined;
    throw error;
  }
}

function hostOf(resources: Resources, name: string, host: string | undefined): readonly (object | undefined)[] {
  const configuration = indexOf(resources).routes.get(name);
  return configuration ? [settingsOf(configuration), hostsOf(configuration).get(host)] : [];
}

/** A cluster, its endpoints, and what the proxies of the callees are sent. */
function endOf({ mesh, resources }: Side, name: string): readonly (object | undefined)[] | undefined {
  const { clusters, endpoints } = indexOf(resources);
  const cluster = clusters.get(name);
  if (cluster === undefined) return undefined;
  const assignment = endpoints.get(cluster.edsClusterConfig?.serviceName || name);
  const callees = calleesOf(mesh, cluster, endpointsOfCluster(cluster, cluster.loadAssignment ?? assignment));
  const inbound = callees.flatMap(({ workload, address, port, share }) => {
    const listeners = workload.tlsMode === "istio" ? worldOf(mesh, nodeOf(mesh, workload)).resources.listeners : [];
    return [{ address, port, share }, listeners.find(({ name: own }) => own === "virtualInbound")];
  });
  return [cluster, assignment, ...inbound];
}
