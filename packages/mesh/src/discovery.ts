import type { ConfigObject, LabelSelector } from "@fairlead/config";
import type { Namespace, Service, Workload } from "@fairlead/model";
import { labelSelectorPicks, namespaceLabels } from "./label-selector.ts";
import type { BucketName } from "./mesh.ts";

type Named = ConfigObject | Service | Workload;

/**
 * Which namespaces the mesh takes notice of (`MeshConfig.discoverySelectors`): of others it shows neither services nor
 * workloads nor configuration. A namespace that nothing is known of is not among them. Source: Istio API, `MeshConfig`.
 */
export class Discovery {
  readonly #selectors: readonly LabelSelector[];
  readonly #namespaceOf: (name: string) => Namespace | undefined;
  readonly #shown = new Map<string, boolean>();
  /** What is shown of a list, so that equal lists are one object. */
  readonly #views = new WeakMap<readonly unknown[], readonly unknown[] | undefined>();

  constructor(selectors: readonly LabelSelector[], namespaceOf: (name: string) => Namespace | undefined) {
    this.#selectors = selectors;
    this.#namespaceOf = namespaceOf;
  }

  /** What is shown of a bucket: the same object where that is all of it. */
  view(bucket: BucketName, key: string, value: unknown): unknown {
    switch (bucket) {
      case "config":
        return this.#shows(key.slice(key.indexOf("/") + 1)) ? value : undefined;
      case "endpoints":
        return this.#shows(key.slice(0, key.indexOf("/"))) ? value : undefined;
      case "services":
      case "workloads":
        return this.#shows(key) ? value : undefined;
      case "configNamespaces":
      case "serviceNamespaces":
      case "workloadNamespaces":
        return this.#members(value, (name: string) => name);
      case "address":
        return this.#members(value, (service: string) => service.slice(0, service.indexOf("/")));
      case "host":
      case "workloadAddress":
        return this.#members(value, (one: Named) => ("metadata" in one ? one.metadata.namespace : one.namespace));
      default:
        return value;
    }
  }

  #shows(name: string): boolean {
    let shown = this.#shown.get(name);
    if (shown === undefined) {
      const namespace = this.#namespaceOf(name);
      const labels = namespaceLabels(name, namespace?.labels);
      shown = namespace !== undefined && this.#selectors.some((selector) => labelSelectorPicks(selector, labels));
      this.#shown.set(name, shown);
    }
    return shown;
  }

  #members<M>(value: unknown, namespaceOf: (member: M) => string): unknown {
    if (!Array.isArray(value)) return value;
    if (!this.#views.has(value)) {
      const members = (value as readonly M[]).filter((member) => this.#shows(namespaceOf(member)));
      const view = members.length === value.length ? (value as readonly M[]) : members;
      this.#views.set(value, view.length > 0 ? view : undefined);
    }
    return this.#views.get(value);
  }
}
