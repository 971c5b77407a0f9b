import type { ParsedDocument } from "@fairlead/config";
import { type Diagnostic, structurallyEqual } from "@fairlead/model";
import { CATALOGUE } from "./catalogue.ts";
import { records, text } from "./json.ts";
import { type Resource, resourceOf } from "./resource.ts";

/**
 * Looks at the same Services in several clusters, by cluster name: one that differs in type, ports or headlessness behaves
 * differently depending on where it is asked. What is wrong within a cluster is `analyze`'s to say.
 */
export function analyzeClusters(clusters: ReadonlyMap<string, Iterable<ParsedDocument>>): readonly Diagnostic[] {
  const services = new Map<string, Map<string, Resource>>();
  for (const [cluster, documents] of clusters)
    for (const service of servicesOf(documents)) {
      const byCluster = services.get(service.fullName) ?? new Map<string, Resource>();
      services.set(service.fullName, byCluster.set(cluster, service));
    }
  return [...services.values()].flatMap((byCluster) => {
    const [first, ...others] = byCluster.values();
    if (first === undefined || others.length === 0) return [];
    const reasons = new Set(others.flatMap((other) => differences(first, other)));
    if (reasons.size === 0) return [];
    const message = `differs between the clusters ${[...byCluster.keys()].join(", ")}: ${[...reasons].join("; ")}`;
    const position = first.document.locate("spec");
    const { severity } = CATALOGUE.IST0170;
    return [{ code: "IST0170", severity, message, path: "spec", object: first.ref, ...(position && { position }) }];
  });
}

function differences(a: Resource, b: Resource): readonly string[] {
  const headless = ({ spec }: Resource) => spec.clusterIP === "None";
  const ports = ({ spec }: Resource) => [...records(spec.ports)].sort((x, y) => (text(x.name) < text(y.name) ? -1 : 1));
  return [
    ...(headless(a) === headless(b) ? [] : ["headless in one and not in the other"]),
    ...(text(a.spec.type) === text(b.spec.type) ? [] : ["the types are not the same"]),
    ...(structurallyEqual(ports(a), ports(b)) ? [] : ["the ports are not the same"]),
  ];
}

/** Of two with one name the later stands. */
function servicesOf(documents: Iterable<ParsedDocument>): Iterable<Resource> {
  const resources = [...documents].map(resourceOf).filter(({ kind }) => kind === "Service");
  return new Map(resources.map((resource) => [resource.id, resource])).values();
}
