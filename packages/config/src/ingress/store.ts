import {
  type Collection,
  type Diagnostic,
  type ObjectRef,
  objectKey,
  type Position,
  type Unsubscribe,
} from "@fairlead/model";
import { isRecord } from "../common/record.ts";
import type { MeshConfig } from "../kinds/mesh-config/schema.ts";
import { refOf } from "../object.ts";
import type { ParsedDocument } from "../parse/documents.ts";
import { HeldObjects } from "../stores/held-objects.ts";
import type { ConfigStore } from "../stores/store.ts";
import { convertIngress, type IngressOptions } from "./convert.ts";

/** What Ingresses say, as configuration that follows them. Whoever made it closes it; the documents stay open. */
export interface IngressStore extends ConfigStore, Disposable {
  /** Converts anew when a setting that counts has changed. */
  setMeshConfig(meshConfig: MeshConfig): void;
  close(): void;
}

/**
 * The Gateways and VirtualServices of the Ingresses among these documents (`documents` of a text or directory store);
 * IngressClasses and Services, which named ports are looked up in, are taken from there too.
 */
export function ingressStore(
  documents: Collection<ParsedDocument>,
  options: Omit<IngressOptions, "portOf"> = {},
): IngressStore {
  return new DerivedStore(documents, options);
}

const RELEVANT = /^(Ingress|IngressClass|Service)\//;

class DerivedStore extends HeldObjects implements IngressStore {
  readonly ready: Promise<void>;
  readonly #documents: Collection<ParsedDocument>;
  readonly #sources = new Map<string, string>();
  readonly #unsubscribe: Unsubscribe;
  #options: Omit<IngressOptions, "portOf">;
  #diagnostics: readonly Diagnostic[] = [];

  constructor(documents: Collection<ParsedDocument>, options: Omit<IngressOptions, "portOf">) {
    super();
    this.#documents = documents;
    this.#options = options;
    this.ready = documents.ready;
    this.#unsubscribe = documents.subscribe((changes) => {
      if (changes.some(({ key }) => RELEVANT.test(key))) this.#convert();
    });
    this.#convert();
  }

  diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics;
  }

  /** The Ingress that the object is made of, whatever the path: their fields are not the same. */
  locate(ref: ObjectRef): Position | undefined {
    const source = this.#sources.get(objectKey(ref));
    return source === undefined ? undefined : this.#documents.get(`Ingress/${source}`)?.locate("metadata.name");
  }

  setMeshConfig(meshConfig: MeshConfig): void {
    this.#options = { ...this.#options, meshConfig };
    this.#convert();
  }

  close(): void {
    this.#unsubscribe();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #convert(): void {
    const values = { Ingress: [] as ParsedDocument["value"][], IngressClass: [] as ParsedDocument["value"][] };
    for (const key of this.#documents.keys()) {
      const document = this.#documents.get(key);
      if (document && (document.kind === "Ingress" || document.kind === "IngressClass"))
        values[document.kind].push(withNamespace(document));
    }
    const { objects, diagnostics, sourceOf } = convertIngress(values.Ingress, values.IngressClass, {
      ...this.#options,
      portOf: (namespace, service, port) => portOf(this.#documents.get(`Service/${namespace}/${service}`), port),
    });
    this.#diagnostics = diagnostics.map((diagnostic) => {
      const position = diagnostic.object && this.#documents.get(objectKey(diagnostic.object))?.locate(diagnostic.path);
      return position ? { ...diagnostic, position } : diagnostic;
    });
    this.#sources.clear();
    for (const [object, source] of sourceOf) this.#sources.set(objectKey(refOf(object)), source);
    const gone = [...this.objects.keys()].filter((key) => !this.#sources.has(key));
    this.objects.apply([
      ...gone.map((key) => [key, undefined] as const),
      ...objects.map((object) => [objectKey(refOf(object)), object] as const),
    ]);
  }
}

/** With the namespace that the document is taken to be in. */
function withNamespace({ value, namespace }: ParsedDocument): ParsedDocument["value"] {
  return isRecord(value.metadata) ? { ...value, metadata: { ...value.metadata, namespace } } : value;
}

function portOf(service: ParsedDocument | undefined, name: string): number | undefined {
  const spec = service?.value.spec;
  if (!isRecord(spec) || !Array.isArray(spec.ports)) return undefined;
  const found = (spec.ports as readonly unknown[]).find(
    (port) => isRecord(port) && (typeof port.name === "string" ? port.name : "") === name,
  );
  return isRecord(found) && typeof found.port === "number" ? found.port : undefined;
}
