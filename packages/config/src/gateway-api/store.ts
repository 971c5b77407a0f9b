import {
  type Collection,
  type Diagnostic,
  type Labels,
  type ObjectRef,
  objectKey,
  type Position,
  structurallyEqual,
  type Unsubscribe,
} from "@fairlead/model";
import { isRecord } from "../common/record.ts";
import { type ConfigObject, isKind, refOf } from "../object.ts";
import type { ParsedDocument } from "../parse/documents.ts";
import { HeldObjects } from "../stores/held-objects.ts";
import type { ConfigStore } from "../stores/store.ts";
import { type ConvertedGatewayApi, convertGatewayApi, type Origin, refOfObject } from "./convert/convert.ts";
import type { GatewayApiStatus } from "./convert/status.ts";
import type { Content, GatewayApiWorld } from "./convert/world.ts";
import { findings } from "./findings.ts";
import { type GatewayApiObject, gatewayApiKindOf } from "./kinds.ts";
import { type KnownServices, ServiceIndex } from "./service-index.ts";
import { validateGatewayApi } from "./validate.ts";
import { withoutEffect } from "./without-effect.ts";

export interface GatewayApiOptions extends KnownServices {
  /** ServiceEntries, which routes and policies refer to. */
  readonly config: Collection<ConfigObject>;
  /** Of Services' host names. Default: `cluster.local`. */
  readonly domainSuffix?: string;
  /**
   * Whether a Secret or ConfigMap that is not among the documents does not exist. Default: it is taken to be there, since
   * files seldom hold them.
   */
  readonly credentialsKnown?: () => boolean;
}

/** What objects of the Gateway API say, as configuration that follows them. Whoever made it closes it. */
export interface GatewayApiStore extends ConfigStore, Disposable {
  /** What is to be reported in the objects' statuses, as everything is now. What changed has no time yet. */
  statuses(): readonly GatewayApiStatus[];
  /** Calls `listener` when an object changed, or what it refers to. Of endpoints, which statuses tell too, it is not told. */
  onConverted(listener: () => void): Unsubscribe;
  close(): void;
}

/**
 * The Gateways, VirtualServices and DestinationRules of the Gateway API's objects among these documents (`documents` of a
 * text or directory store). Secrets and ConfigMaps are looked up there too. The sources stay open.
 */
export function gatewayApiStore(documents: Collection<ParsedDocument>, options: GatewayApiOptions): GatewayApiStore {
  return new DerivedStore(documents, options);
}

class DerivedStore extends HeldObjects implements GatewayApiStore {
  readonly ready: Promise<void>;
  readonly #documents: Collection<ParsedDocument>;
  readonly #options: GatewayApiOptions;
  readonly #services: ServiceIndex;
  readonly #read = new WeakMap<ParsedDocument, GatewayApiObject>();
  /** The Gateway API's objects, by `objectKey`. */
  readonly #sources = new Map<string, ParsedDocument>();
  readonly #unsubscribe: readonly Unsubscribe[];
  /** Host names that the last conversion asked for. */
  #asked = new Set<string>();
  #origins = new Map<string, readonly Origin[]>();
  #converted: ConvertedGatewayApi | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(documents: Collection<ParsedDocument>, options: GatewayApiOptions) {
    super();
    this.#documents = documents;
    this.#options = options;
    const { config, services, namespaces, endpoints } = options;
    this.#services = new ServiceIndex(options, (hostnames) => {
      if ([...hostnames].some((hostname) => this.#asked.has(hostname))) this.#convert();
    });
    const sources: readonly Collection<unknown>[] = [
      documents,
      config,
      services,
      namespaces,
      ...(endpoints ? [endpoints] : []),
    ];
    this.ready = Promise.all(sources.map((source) => source.ready)).then(() => undefined);
    // Who never looks at `ready` is not to crash of it.
    this.ready.catch(() => undefined);
    this.#unsubscribe = [
      documents.subscribe((changes) => {
        const relevant = changes.filter(({ value, previous }) => isRelevant(value ?? previous));
        if (relevant.length === 0) return;
        // Statuses, ours among them, change nothing of what is made.
        if (relevant.some(({ value, previous }) => !value || !previous || !saysTheSame(value, previous)))
          return this.#convert();
        for (const { value } of relevant)
          if (value && gatewayApiKindOf(value.apiVersion, value.kind)) this.#sources.set(keyOf(value), value);
        this.#tell();
      }),
      config.subscribe((changes) => {
        if (changes.some(({ value, previous }) => (value ?? previous)?.kind === "ServiceEntry")) this.#convert();
      }),
      namespaces.subscribe(() => this.#convert()),
    ];
    this.#convert();
  }

  diagnostics(): readonly Diagnostic[] {
    const converted = this.#converted;
    if (!converted) return [];
    const objects = [...this.#sources.values()].flatMap((document) => this.#objectOf(document) ?? []);
    return [...findings(converted), ...objects.flatMap(withoutEffect)].map((diagnostic) => {
      const document = diagnostic.object && this.#sources.get(objectKey(diagnostic.object));
      const position = document?.locate(diagnostic.path);
      return position ? { ...diagnostic, position } : diagnostic;
    });
  }

  /** Where a rule of a VirtualService comes from; for everything else, the object that it is made of. */
  locate(ref: ObjectRef, path: string): Position | undefined {
    const origins = this.#origins.get(objectKey(ref)) ?? [];
    const [, rule] = /^spec\.(?:http|tcp|tls)\[(\d+)\]/.exec(path) ?? [];
    const origin = (rule === undefined ? undefined : origins[Number(rule) + 1]) ?? origins[0];
    return origin && this.#sources.get(objectKey(origin.source))?.locate(origin.path);
  }

  statuses(): readonly GatewayApiStatus[] {
    return convertGatewayApi(this.#objects(), this.#world()).statuses;
  }

  onConverted(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#services.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #objectOf(document: ParsedDocument): GatewayApiObject | undefined {
    const known = this.#read.get(document);
    if (known) return known;
    const object = validateGatewayApi(document.value, document.namespace)?.object;
    if (object) this.#read.set(document, object);
    return object;
  }

  #objects(): readonly GatewayApiObject[] {
    const objects: GatewayApiObject[] = [];
    this.#sources.clear();
    for (const document of this.#documents.values()) {
      if (!gatewayApiKindOf(document.apiVersion, document.kind)) continue;
      const object = this.#objectOf(document);
      if (!object) continue;
      objects.push(object);
      this.#sources.set(objectKey(refOfObject(object)), document);
    }
    return objects;
  }

  #world(): GatewayApiWorld {
    const { namespaces, config, domainSuffix = "cluster.local", credentialsKnown } = this.#options;
    const content = (kind: "Secret" | "ConfigMap", namespace: string, name: string) =>
      contentOf(this.#documents.get(`${kind}/${namespace}/${name}`)) ?? (credentialsKnown?.() ? undefined : "unknown");
    return {
      domainSuffix,
      services: (hostname) => {
        this.#asked.add(hostname);
        return this.#services.of(hostname);
      },
      serviceEntry: (namespace, name) => {
        const object = config.get(`ServiceEntry/${namespace}/${name}`);
        if (!object || !isKind(object, "ServiceEntry")) return undefined;
        const { hosts, ports = [] } = object.spec;
        return { hosts, ports, labels: object.metadata.labels };
      },
      namespaces: new Map<string, Labels>([...namespaces.values()].map(({ name, labels }) => [name, labels])),
      secret: (namespace, name) => content("Secret", namespace, name),
      configMap: (namespace, name) => content("ConfigMap", namespace, name),
    };
  }

  #convert(): void {
    this.#asked = new Set();
    const converted = convertGatewayApi(this.#objects(), this.#world());
    this.#converted = converted;
    this.#origins = new Map([...converted.originsOf].map(([object, origins]) => [objectKey(refOf(object)), origins]));
    const gone = [...this.objects.keys()].filter((key) => !this.#origins.has(key));
    this.objects.apply([
      ...gone.map((key) => [key, undefined] as const),
      ...converted.objects.map((object) => [objectKey(refOf(object)), object] as const),
    ]);
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function isRelevant(document: ParsedDocument | undefined): boolean {
  if (!document) return false;
  const { apiVersion, kind } = document;
  return gatewayApiKindOf(apiVersion, kind) !== undefined || kind === "Secret" || kind === "ConfigMap";
}

function keyOf({ kind, namespace, name }: ParsedDocument): string {
  return objectKey({ kind, namespace, name });
}

/** Whether nothing but the status and what an API server notes of it is another. */
function saysTheSame(a: ParsedDocument, b: ParsedDocument): boolean {
  return structurallyEqual(withoutStatus(a), withoutStatus(b));
}

function withoutStatus({ value }: ParsedDocument): unknown {
  const { status: _status, metadata, ...rest } = value;
  const { resourceVersion: _version, managedFields: _fields, ...kept } = isRecord(metadata) ? metadata : {};
  return { ...rest, metadata: kept };
}

/** What a Secret or ConfigMap holds, Secrets decoded. */
function contentOf(document: ParsedDocument | undefined): Content | undefined {
  if (!document) return undefined;
  const { data, stringData } = document.value;
  const encoded = document.kind === "Secret";
  const entries = isRecord(data) ? Object.entries(data) : [];
  return Object.fromEntries([
    ...entries.map(([key, value]) => [key, encoded ? decode(String(value)) : String(value)]),
    ...(isRecord(stringData) ? Object.entries(stringData).map(([key, value]) => [key, String(value)]) : []),
  ]);
}

function decode(base64: string): string {
  try {
    return atob(base64.replaceAll(/\s/g, ""));
  } catch {
    return "";
  }
}
