import { type Service, type ServicePort, structurallyEqual } from "@fairlead/model";

/** Oldest first; what has no creation time comes first, equal times are ordered by the source's name. Source: Istio `SortServicesByCreationTime`. */
function compareServiceAge(a: Service, b: Service): number {
  const left = a.creationTime === undefined ? Number.NEGATIVE_INFINITY : Date.parse(a.creationTime);
  const right = b.creationTime === undefined ? Number.NEGATIVE_INFINITY : Date.parse(b.creationTime);
  if (left !== right) return left < right ? -1 : 1;
  return a.source.name < b.source.name ? -1 : a.source.name > b.source.name ? 1 : 0;
}

/** One service of several, and those that had no part in it. */
export interface MergedServices {
  readonly service: Service;
  readonly left: readonly Service[];
}

/**
 * One service of several with the same namespace and host (two ServiceEntries may name one host). The oldest owns the
 * host; ports and addresses of the others are added when resolution, labels, selector and visibility are the same.
 * Source: Istio `SidecarScope.appendSidecarServices`.
 */
export function mergeServices(services: readonly Service[]): MergedServices {
  const [oldest, ...others] = [...services].sort(compareServiceAge);
  if (oldest === undefined) throw new RangeError("no services to merge");
  const left: Service[] = [];
  let service = oldest;
  for (const other of others) {
    if (!mayMerge(oldest, other)) {
      left.push(other);
      continue;
    }
    service = {
      ...service,
      ports: mergePorts(service.ports, other.ports),
      addresses: [...new Set([...service.addresses, ...other.addresses])],
      subjectAltNames: [...new Set([...service.subjectAltNames, ...other.subjectAltNames])],
    };
  }
  return { service, left };
}

/** Ports of both; a number or name that the first has is not taken from the second. */
function mergePorts(first: readonly ServicePort[], second: readonly ServicePort[]): readonly ServicePort[] {
  const added = second.filter(
    (port) => !first.some(({ number, name }) => number === port.number || name === port.name),
  );
  return added.length === 0 ? first : [...first, ...added];
}

function mayMerge(a: Service, b: Service): boolean {
  return (
    a.resolution === b.resolution &&
    a.registry === b.registry &&
    structurallyEqual(a.labels, b.labels) &&
    structurallyEqual(a.selector, b.selector) &&
    structurallyEqual([...a.exportTo].sort(), [...b.exportTo].sort())
  );
}
