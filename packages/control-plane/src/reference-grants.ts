import type { ParsedDocument } from "@fairlead/config";
import type { Collection, Unsubscribe } from "@fairlead/model";

/** What owners of Secrets allow to be used elsewhere. */
export interface SecretGrants {
  /** Whether Gateways of `from` may use the Secret `namespace/name`. */
  allows(from: string, namespace: string, name: string): boolean;
  subscribe(listener: () => void): Unsubscribe;
}

const GATEWAY_GROUP = "gateway.networking.k8s.io";

interface Reference {
  readonly group?: unknown;
  readonly kind?: unknown;
  readonly namespace?: unknown;
  readonly name?: unknown;
}

const isGrant = (document: ParsedDocument | undefined): document is ParsedDocument =>
  document?.kind === "ReferenceGrant" && document.apiVersion.startsWith(`${GATEWAY_GROUP}/`);

const references = (value: unknown): readonly Reference[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : [];

/**
 * The ReferenceGrants among Kubernetes objects, as far as they let Gateways use Secrets of another namespace: each stands in the
 * namespace of what it grants. Whatever is not of the form grants nothing. Source: Gateway API, `ReferenceGrant`.
 */
export function secretGrants(documents: Collection<ParsedDocument>): SecretGrants {
  return {
    allows(from, namespace, name) {
      for (const document of documents.values()) {
        if (!isGrant(document) || document.namespace !== namespace) continue;
        const spec = (document.value.spec ?? {}) as { readonly from?: unknown; readonly to?: unknown };
        const given = references(spec.from).some(
          (one) => one.group === GATEWAY_GROUP && one.kind === "Gateway" && one.namespace === from,
        );
        // Without a name, all Secrets of the namespace.
        const meant = references(spec.to).some(
          (one) => (one.group ?? "") === "" && one.kind === "Secret" && (one.name === undefined || one.name === name),
        );
        if (given && meant) return true;
      }
      return false;
    },
    subscribe: (listener) =>
      documents.subscribe((changes) => {
        if (changes.some(({ value, previous }) => isGrant(value) || isGrant(previous))) listener();
      }),
  };
}
