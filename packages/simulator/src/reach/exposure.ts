import type { Mesh } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { candidates } from "../diff/candidate.ts";
import { allNodes, groupAlike } from "../diff/proxies.ts";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";
import { worldOf } from "../mesh/world.ts";
import type { PolicyFinding } from "./policy-finding.ts";

/** The services that a gateway lets requests from outside in to, each with one that gets there. */
export function exposures(mesh: Mesh, services: readonly Service[]): readonly PolicyFinding[] {
  const wanted = new Map(services.map((service) => [service.hostname, service]));
  const found = new Map<string, PolicyFinding>();
  for (const [node] of groupAlike(allNodes(mesh))) {
    if (node?.type !== "router") continue;
    const { resources } = worldOf(mesh, node);
    for (const candidate of candidates([resources, resources], node, mesh.meshConfig.trustDomain || "cluster.local"))
      for (const { service, port, share } of reached(mesh, { from: node, ...candidate })) {
        const subject = `${service}:${port}`;
        if (share === 0 || !wanted.has(service) || found.has(subject)) continue;
        const { method = "GET", url } = candidate.request;
        const what = /^(tcp|tls):/.test(url) ? url : `${method} ${url}`;
        found.set(subject, {
          kind: "exposed",
          subject,
          path: "",
          message: `gateway ${node.name} lets requests from outside in to it: ${what}`,
        });
      }
  }
  return [...found.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1));
}

/** What a request gets to, past the proxies there. */
function reached(mesh: Mesh, question: Question) {
  try {
    return evaluate(mesh, question).destinations.filter(({ denied }) => (denied?.share ?? 0) < 1);
  } catch (error) {
    if (error instanceof SimulatorError) return [];
    throw error;
  }
}
