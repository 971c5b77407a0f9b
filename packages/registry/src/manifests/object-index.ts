import type { Labels } from "@fairlead/model";
import { sliceService } from "./endpoint-slice.ts";
import { Field } from "./field.ts";
import { readKind } from "./kind.ts";
import { type KubernetesObject, kubernetesObjectKey, objectNamespace } from "./object.ts";

/**
 * The objects by what others look them up by, and the topics (see `Derive`) under which such a look-up is noted:
 * `Kind/namespace/name`, `ip:namespace/address` and `pods:namespace` of Pods, `slices:namespace/service`.
 */
export class ObjectIndex {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #pods = new Map<string, Map<string, Labels>>();
  readonly #podsByAddress = new Map<string, Set<string>>();
  readonly #slices = new Map<string, Set<string>>();

  get(key: string): KubernetesObject | undefined {
    return this.#objects.get(key);
  }

  /** Labels of the Pods of a namespace. */
  podLabels(namespace: string): Iterable<Labels> {
    return this.#pods.get(namespace)?.values() ?? [];
  }

  podAt(namespace: string, address: string): KubernetesObject | undefined {
    const [key] = [...(this.#podsByAddress.get(`${namespace}/${address}`) ?? [])].sort();
    return key === undefined ? undefined : this.#objects.get(key);
  }

  hasSlices(namespace: string, service: string): boolean {
    return this.#slices.has(`${namespace}/${service}`);
  }

  /** Puts `next` in the place of `previous`; returns the topics that this touches. */
  replace(previous: KubernetesObject | undefined, next: KubernetesObject | undefined): ReadonlySet<string> {
    const topics = new Set<string>();
    const before = previous && this.#remove(previous, topics);
    const after = next && this.#add(next, topics);
    // Which Pods there are matters to controllers only as far as labels go.
    if (before && after && JSON.stringify(before) === JSON.stringify(after))
      for (const topic of topics) if (topic.startsWith("pods:")) topics.delete(topic);
    return topics;
  }

  #add(object: KubernetesObject, topics: Set<string>): Labels | undefined {
    const key = kubernetesObjectKey(object);
    this.#objects.set(key, object);
    topics.add(key);
    for (const [index, entry] of this.#setsOf(object, topics))
      index.set(entry, (index.get(entry) ?? new Set()).add(key));
    if (object.kind !== "Pod") return undefined;
    const labels = fieldsOf(object).at("metadata").at("labels").labels();
    const namespace = objectNamespace(object);
    const pods = this.#pods.get(namespace) ?? new Map<string, Labels>();
    this.#pods.set(namespace, pods.set(key, labels));
    return labels;
  }

  #remove(object: KubernetesObject, topics: Set<string>): Labels | undefined {
    const key = kubernetesObjectKey(object);
    this.#objects.delete(key);
    topics.add(key);
    for (const [index, entry] of this.#setsOf(object, topics)) {
      const keys = index.get(entry);
      keys?.delete(key);
      if (keys?.size === 0) index.delete(entry);
    }
    if (object.kind !== "Pod") return undefined;
    const pods = this.#pods.get(objectNamespace(object));
    const labels = pods?.get(key);
    pods?.delete(key);
    return labels;
  }

  #setsOf(object: KubernetesObject, topics: Set<string>): readonly (readonly [Map<string, Set<string>>, string])[] {
    const namespace = objectNamespace(object);
    if (object.kind === "Pod") {
      topics.add(`pods:${namespace}`);
      return podAddresses(object).map((address) => {
        topics.add(`ip:${namespace}/${address}`);
        return [this.#podsByAddress, `${namespace}/${address}`] as const;
      });
    }
    const service = object.kind === "EndpointSlice" ? sliceService(fieldsOf(object)) : undefined;
    if (service === undefined) return [];
    topics.add(`slices:${namespace}/${service}`);
    return [[this.#slices, `${namespace}/${service}`]];
  }
}

function podAddresses(pod: KubernetesObject): readonly string[] {
  const status = fieldsOf(pod).at("status");
  const listed = status
    .at("podIPs")
    .items()
    .map((entry) => entry.at("ip").nonEmptyText());
  return [...new Set([status.at("podIP").nonEmptyText(), ...listed])].filter((address) => address !== undefined);
}

/** Fields of which nothing is to be reported: the object's own conversion does that. */
function fieldsOf(object: KubernetesObject): Field {
  return new Field(object, "", () => undefined);
}

/** Whether it is an object that can be indexed: of a kind that is read, with a name. */
export function isReadable(object: KubernetesObject | undefined): object is KubernetesObject {
  return readKind(object) !== undefined && typeof object?.metadata?.name === "string" && object.metadata.name !== "";
}
