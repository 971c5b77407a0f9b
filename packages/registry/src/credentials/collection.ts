import { type Change, type Collection, type Diagnostic, MemoryCollection, objectKey } from "@fairlead/model";
import { locateIn, type ManifestDocument, objectOf } from "../manifests/document.ts";
import { type KubernetesObject, kubernetesObjects } from "../manifests/object.ts";
import { readObject } from "../manifests/reading.ts";
import { type Credential, readCredential } from "./credential.ts";

/** Credentials by the key of their object, `Secret/namespace/name` or `ConfigMap/namespace/name`. */
export interface Credentials extends Collection<Credential> {
  /** What is wrong with Secrets and ConfigMaps now. No message has any of their content. */
  diagnostics(): readonly Diagnostic[];
  close(): void;
}

export interface CredentialsOptions {
  /** Milliseconds since 1970, for certificates that have ended. Default: `Date.now`. */
  readonly now?: () => number;
}

/**
 * The TLS credentials among Kubernetes objects: Secrets (`kubernetes.io/tls`, or generic ones with `cert`, `key`,
 * `cacert`, `crl`) and ConfigMaps with roots. A Secret that breaks leaves its last good credential in force. Whoever made
 * it closes it.
 *
 * Source: Istio `pilot/pkg/credentials/kube`.
 */
export function manifestCredentials(
  objects: Collection<ManifestDocument> | Iterable<KubernetesObject>,
  { now = Date.now }: CredentialsOptions = {},
): Credentials {
  const source: Collection<ManifestDocument> = "subscribe" in objects ? objects : kubernetesObjects(objects);
  const collection = new MemoryCollection<Credential>();
  const told = new Map<string, { readonly key: string; readonly diagnostics: readonly Diagnostic[] }>();

  const update = (changes: Iterable<Pick<Change<ManifestDocument>, "key" | "value">>) => {
    const edits: (readonly [string, Credential | undefined])[] = [];
    for (const { key: unit, value } of changes) {
      const object = objectOf(value);
      const before = told.get(unit);
      told.delete(unit);
      if (!isCredentialObject(object)) {
        if (before) edits.push([before.key, undefined]);
        continue;
      }
      const reading = readObject(object);
      const key = objectKey(reading.ref);
      const { credential, broken } = readCredential(reading, now());
      // The place is the object's, not the field's: whoever shows the line there shows nothing of the content.
      const position = locateIn(value, "metadata");
      const diagnostics = reading.diagnostics.map((found) => (position ? { ...found, position } : found));
      told.set(unit, { key, diagnostics });
      if (!broken) edits.push([key, credential]);
    }
    collection.apply(edits);
  };
  const unsubscribe = source.subscribe(update);
  update([...source.keys()].map((key) => ({ key, value: source.get(key) })));

  return {
    ready: source.ready,
    get: (key) => collection.get(key),
    keys: () => collection.keys(),
    values: () => collection.values(),
    subscribe: (listener) => collection.subscribe(listener),
    diagnostics: () => [...told.values()].flatMap(({ diagnostics }) => diagnostics),
    close: unsubscribe,
  };
}

/** Secrets that never hold a server's credentials, and are many or large. */
const OTHER_TYPES: ReadonlySet<unknown> = new Set([
  "helm.sh/release.v1",
  "kubernetes.io/service-account-token",
  "kubernetes.io/dockerconfigjson",
]);

function isCredentialObject(object: KubernetesObject | undefined): object is KubernetesObject {
  if (object?.apiVersion !== "v1" || typeof object.metadata?.name !== "string" || !object.metadata.name) return false;
  return object.kind === "ConfigMap" || (object.kind === "Secret" && !OTHER_TYPES.has(object.type));
}
