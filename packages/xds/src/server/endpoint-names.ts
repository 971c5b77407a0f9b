import protobuf from "protobufjs/minimal.js";
import type { EncodedResource } from "../encoded-resource.ts";
import type { Difference } from "./view.ts";

const EDS = 3;
const names = new WeakMap<Difference, ReadonlySet<string>>();

/**
 * Names of the endpoint assignments of all clusters that a difference adds or changes. Envoy warms a changed cluster anew, and waits
 * for its endpoints to be sent again even though they are the same.
 */
export function endpointNames(difference: Difference): ReadonlySet<string> {
  const found = names.get(difference);
  if (found) return found;
  const made = new Set<string>();
  for (const cluster of difference.upserts) {
    const name = endpointName(cluster);
    if (name !== undefined) made.add(name);
  }
  names.set(difference, made);
  return made;
}

/** `eds_cluster_config.service_name` or the cluster's name; `undefined` when the cluster does not use EDS. */
export function endpointName(cluster: EncodedResource | undefined): string | undefined {
  if (!cluster) return undefined;
  const reader = protobuf.Reader.create(cluster.bytes);
  let eds = false;
  let service = "";
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 2 && (tag & 7) === 0) eds = reader.uint32() === EDS;
    else if (tag >>> 3 === 3 && (tag & 7) === 2) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        const inner = reader.uint32();
        if (inner === 18) service = reader.string();
        else reader.skipType(inner & 7);
      }
    } else reader.skipType(tag & 7);
  }
  return eds ? service || cluster.name : undefined;
}
