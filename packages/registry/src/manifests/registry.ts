import {
  type Change,
  type Collection,
  kubernetesHost,
  type Labels,
  type Namespace,
  objectKey,
  type Workload,
} from "@fairlead/model";
import { type Contribution, DerivedRegistry } from "../derived-registry.ts";
import { endpointsKey, type Registry } from "../registry.ts";
import { CONTROLLER_KINDS, controllerWorkload } from "./controller.ts";
import { locateIn, type ManifestDocument, objectOf } from "./document.ts";
import { type SliceContext, sliceEndpoints, sliceService } from "./endpoint-slice.ts";
import { legacyEndpoints } from "./endpoints.ts";
import { readKind } from "./kind.ts";
import { nodeLocality } from "./node.ts";
import { type KubernetesObject, kubernetesObjects } from "./object.ts";
import { isReadable, ObjectIndex } from "./object-index.ts";
import type { ManifestsRegistryOptions, Surroundings } from "./options.ts";
import { podWorkload } from "./pod.ts";
import { type Reading, readObject } from "./reading.ts";
import { kubernetesService } from "./service.ts";

type Read = (topic: string) => void;

/**
 * The registry of what Kubernetes objects describe: Services, Pods (and, without Pods, the templates of Deployments,
 * StatefulSets, DaemonSets and ReplicaSets), EndpointSlices and Endpoints, Namespaces, and Nodes for their locality.
 * Objects of other kinds are left alone. `objects` is a plain list, or a collection in which each object has one key,
 * such as the `documents` of a text or directory store.
 *
 * Source: Istio `pilot/pkg/serviceregistry/kube`.
 */
export function manifestsRegistry(
  objects: Collection<ManifestDocument> | Iterable<KubernetesObject>,
  options: ManifestsRegistryOptions = {},
): Registry {
  const source: Collection<ManifestDocument> = "subscribe" in objects ? objects : kubernetesObjects(objects);
  const index = new ObjectIndex();
  const manifests = new Manifests(index, options);
  const registry = new DerivedRegistry({
    name: options.name ?? "Kubernetes",
    ready: source.ready,
    derive: (unit, read) => {
      const document = source.get(unit);
      const contribution = manifests.contribution(objectOf(document), read);
      const diagnostics = contribution?.diagnostics?.map((diagnostic) => {
        const position = locateIn(document, diagnostic.path);
        return position ? { ...diagnostic, position } : diagnostic;
      });
      return contribution && diagnostics ? { ...contribution, diagnostics } : contribution;
    },
    onClose: () => unsubscribe(),
  });
  const update = (changes: Iterable<Change<ManifestDocument>>) => {
    const units: string[] = [];
    const topics = new Set<string>();
    for (const { key, value, previous } of changes) {
      units.push(key);
      for (const topic of index.replace(readable(previous), readable(value))) topics.add(topic);
    }
    registry.update(units, topics);
  };
  const unsubscribe = source.subscribe(update);
  update([...source.keys()].map((key) => ({ key, value: source.get(key), previous: undefined })));
  return registry;
}

/** What each object gives, read against the others. */
class Manifests {
  readonly #index: ObjectIndex;
  readonly #options: ManifestsRegistryOptions;

  constructor(index: ObjectIndex, options: ManifestsRegistryOptions) {
    this.#index = index;
    this.#options = options;
  }

  contribution(object: KubernetesObject | undefined, read: Read): Contribution | undefined {
    const kind = readKind(object);
    if (kind === undefined) return undefined;
    if (!isReadable(object)) {
      const message = `a ${kind} without metadata.name is left out`;
      return { diagnostics: [{ code: "missing-name", severity: "error", path: "metadata.name", message }] };
    }
    const reading = readObject(object);
    const parts = this.#parts(kind, reading, read);
    return { ...parts, diagnostics: reading.diagnostics };
  }

  #parts(kind: string, reading: Reading, read: Read): Contribution {
    if (kind === "Service")
      return {
        services: [kubernetesService(reading, this.#annotations(reading.namespace, read), this.#surroundings(read))],
      };
    if (kind === "Pod") return { workloads: present(this.#pod(reading, read)) };
    if (kind === "Namespace") return { namespaces: [namespaceOf(reading)] };
    if (kind === "EndpointSlice") {
      const service = sliceService(reading.root);
      return service === undefined ? {} : this.#endpoints(service, reading, read);
    }
    if (kind === "Endpoints") {
      read(`slices:${reading.namespace}/${reading.name}`);
      return this.#index.hasSlices(reading.namespace, reading.name) ? {} : this.#endpoints(reading.name, reading, read);
    }
    return CONTROLLER_KINDS.has(kind) ? { workloads: present(this.#controller(reading, read)) } : {};
  }

  #pod(reading: Reading, read: Read): Workload | undefined {
    const node = this.#object("Node", "", reading.root.at("spec").at("nodeName").text(), read);
    const locality = node && nodeLocality(readObject(node).root);
    return podWorkload(reading, locality, this.#surroundings(read));
  }

  #controller(reading: Reading, read: Read): Workload | undefined {
    read(`pods:${reading.namespace}`);
    const hasObject = (kind: string, namespace: string, name: string) =>
      this.#object(kind, namespace, name, read) !== undefined;
    return controllerWorkload(reading, this.#index.podLabels(reading.namespace), hasObject, this.#surroundings(read));
  }

  #endpoints(service: string, reading: Reading, read: Read): Contribution {
    const context = this.#sliceContext(reading.namespace, service, read);
    const endpoints =
      reading.ref.kind === "Endpoints" ? legacyEndpoints(reading, context) : sliceEndpoints(reading, context);
    if (endpoints.length === 0) return {};
    const { namespace } = reading;
    const key = { namespace, hostname: kubernetesHost(service, namespace, context.surroundings.domainSuffix) };
    return { endpoints: new Map([[endpointsKey(key, reading.name), { ...key, endpoints }]]) };
  }

  #sliceContext(namespace: string, name: string, read: Read): SliceContext {
    const object = this.#object("Service", namespace, name, read);
    const service = object && readObject(object).root;
    const labels = service?.at("metadata").at("labels").labels() ?? {};
    const surroundings = this.#surroundings(read);
    const workload = (pod: KubernetesObject | undefined) => pod && this.#pod(readObject(pod), read);
    return {
      keepsSessions: Boolean(labels["istio.io/persistent-session"] || labels["istio.io/persistent-session-header"]),
      dualStack: surroundings.dualStack && (service?.at("spec").at("clusterIPs").items().length ?? 0) > 1,
      surroundings,
      pod: (podNamespace, podName) => workload(this.#object("Pod", podNamespace, podName, read)),
      podAt: (podNamespace, address) => {
        read(`ip:${podNamespace}/${address}`);
        return workload(this.#index.podAt(podNamespace, address));
      },
    };
  }

  #surroundings(read: Read): Surroundings {
    const { domainSuffix, clusterId, network, systemNamespace, trustDomain, dualStack } = this.#options;
    return {
      domainSuffix: domainSuffix ?? "cluster.local",
      clusterId: clusterId ?? "Kubernetes",
      network: network ?? this.#systemNetwork(systemNamespace ?? "istio-system", read),
      trustDomain: trustDomain ?? "cluster.local",
      dualStack: dualStack ?? false,
    };
  }

  #systemNetwork(systemNamespace: string, read: Read): string {
    const namespace = this.#object("Namespace", "", systemNamespace, read);
    return (namespace && namespaceOf(readObject(namespace)).labels["topology.istio.io/network"]) ?? "";
  }

  #annotations(namespace: string, read: Read): Labels {
    const object = this.#object("Namespace", "", namespace, read);
    return object ? namespaceOf(readObject(object)).annotations : {};
  }

  #object(kind: string, namespace: string, name: string | undefined, read: Read): KubernetesObject | undefined {
    if (!name) return undefined;
    const key = objectKey({ kind, namespace, name });
    read(key);
    return this.#index.get(key);
  }
}

function readable(document: ManifestDocument | undefined): KubernetesObject | undefined {
  const object = objectOf(document);
  return isReadable(object) ? object : undefined;
}

function namespaceOf({ name, root }: Reading): Namespace {
  const metadata = root.at("metadata");
  return { name, labels: metadata.at("labels").labels(), annotations: metadata.at("annotations").labels() };
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}
