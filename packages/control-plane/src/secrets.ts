import type { Collection, ProxyNode } from "@fairlead/model";
import type { Credential } from "@fairlead/registry/credentials";
import { type EncodedResource, encodeResource, RESOURCE_TYPES, type ResourceSet } from "@fairlead/xds";

/** What stands in the place of a private key wherever people may see it. */
const REDACTED = "[redacted]";

/** A secret as an SDS resource (protobuf JSON), and the object it comes from. */
export interface SecretResource {
  readonly name: string;
  readonly resource: object;
  readonly source: Credential["source"];
}

type Inline = (text: string) => object;
const bytes: Inline = (text) => ({ inlineBytes: Buffer.from(text).toString("base64") });

/**
 * The credentials of these SDS names for proxies of a namespace; names of nothing, of other namespaces (but
 * `configmap://NAMESPACE/NAME`, which holds roots only) and of other schemes are left out. With `redacted`, texts stand as
 * they are and private keys are left out: for people.
 *
 * Source: Istio `pilot/pkg/model/credentials`, `pilot/pkg/xds/sds.go`.
 */
export function secretResources(
  credentials: Pick<Collection<Credential>, "get">,
  namespace: string,
  names: Iterable<string>,
  redacted = false,
): readonly SecretResource[] {
  return [...new Set(names)].sort().flatMap((name) => {
    const found = lookUp(credentials, namespace, name);
    return found ? [{ name, resource: secretResource(name, found, redacted), source: found.source }] : [];
  });
}

const CA_SUFFIX = "-cacert";

type Found = Credential & { readonly wants: "key-pair" | "trust" };

function lookUp(credentials: Pick<Collection<Credential>, "get">, namespace: string, name: string): Found | undefined {
  const [, scheme, path = ""] = /^(kubernetes|configmap):\/\/(.+)$/.exec(name) ?? [];
  const parts = path.split("/");
  const [object = "", stated] = parts.reverse();
  if (!scheme || !object || parts.length > 2) return undefined;
  const bare = object.endsWith(CA_SUFFIX) ? object.slice(0, -CA_SUFFIX.length) : object;
  const get = (kind: string, at: string, one: string) => credentials.get(`${kind}/${at}/${one}`);
  if (scheme === "configmap") {
    const found = stated ? get("ConfigMap", stated, bare) : undefined;
    return found?.trust && { ...found, wants: "trust" };
  }
  if (stated !== undefined && stated !== namespace) return undefined;
  const exact = get("Secret", namespace, object);
  if (bare !== object) {
    const found = exact ?? get("Secret", namespace, bare);
    return found?.trust && { ...found, wants: "trust" };
  }
  if (exact?.keyPair) return { ...exact, wants: "key-pair" };
  return exact?.trust && { ...exact, wants: "trust" };
}

function secretResource(name: string, { keyPair, trust, wants }: Found, redacted: boolean): object {
  const shown: Inline = redacted ? (text) => ({ inlineString: text }) : bytes;
  if (wants === "trust")
    return {
      name,
      validationContext: {
        trustedCa: shown(trust?.roots ?? ""),
        ...(trust?.revocations === undefined ? {} : { crl: shown(trust.revocations) }),
      },
    };
  return {
    name,
    tlsCertificate: {
      certificateChain: shown(keyPair?.certificateChain ?? ""),
      privateKey: redacted ? { inlineString: REDACTED } : bytes(keyPair?.privateKey ?? ""),
      ...(keyPair?.ocspStaple ? { ocspStaple: { inlineBytes: keyPair.ocspStaple } } : {}),
    },
  };
}

const SECRET_TYPE = RESOURCE_TYPES.find(({ shortName }) => shortName === "SDS")?.typeUrl ?? "";

/**
 * Secrets for a discovery server. Equal content is one object, which many proxies share; `clear` when credentials change.
 */
export class SecretSets {
  readonly #credentials: Pick<Collection<Credential>, "get">;
  readonly #sets = new Map<string, ResourceSet>();
  #before = new Map<string, ResourceSet>();

  constructor(credentials: Pick<Collection<Credential>, "get">) {
    this.#credentials = credentials;
  }

  get typeUrl(): string {
    return SECRET_TYPE;
  }

  of({ namespace }: Pick<ProxyNode, "namespace">, names: ReadonlySet<string>): ResourceSet {
    const key = [namespace, ...[...names].sort()].join("\u0000");
    const known = this.#sets.get(key);
    if (known) return known;
    const resources = new Map<string, EncodedResource>();
    for (const { name, resource, source } of secretResources(this.#credentials, namespace, names))
      resources.set(name, encodeResource(SECRET_TYPE, name, resource, [source]));
    const before = this.#before.get(key);
    const same =
      before?.resources.size === resources.size &&
      [...resources].every(([name, { version }]) => before.resources.get(name)?.version === version);
    const made = before && same ? before : { resources };
    this.#sets.set(key, made);
    return made;
  }

  clear(): void {
    this.#before = new Map(this.#sets);
    this.#sets.clear();
  }
}
