import type { Collection, ProxyNode } from "@fairlead/model";
import type { Credential } from "@fairlead/registry/credentials";
import { type EncodedResource, encodeResource, RESOURCE_TYPES, type ResourceSet } from "@fairlead/xds";
import type { SecretGrants } from "./reference-grants.ts";

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

/** What secrets are taken from. */
export interface SecretsFrom {
  readonly credentials: Pick<Collection<Credential>, "get">;
  /** Without it, no Secret is given to a proxy of another namespace. */
  readonly grants?: Pick<SecretGrants, "allows">;
}

/**
 * The credentials of these SDS names for proxies of a namespace; names of nothing, of other namespaces and of other schemes are
 * left out. Of other namespaces are given: `configmap://NAMESPACE/NAME`, which holds roots only, and
 * `kubernetes-gateway://NAMESPACE/NAME` where a ReferenceGrant lets Gateways of the proxy's namespace use it. With `redacted`,
 * texts stand as they are and private keys are left out: for people.
 *
 * Source: Istio `pilot/pkg/model/credentials`, `pilot/pkg/xds/sds.go`.
 */
export function secretResources(
  from: SecretsFrom,
  namespace: string,
  names: Iterable<string>,
  redacted = false,
): readonly SecretResource[] {
  return [...new Set(names)].sort().flatMap((name) => {
    const found = lookUp(from, namespace, name);
    return found ? [{ name, resource: secretResource(name, found, redacted), source: found.source }] : [];
  });
}

const CA_SUFFIX = "-cacert";

type Found = Credential & { readonly wants: "key-pair" | "trust" };

function lookUp({ credentials, grants }: SecretsFrom, namespace: string, name: string): Found | undefined {
  const [, scheme, path = ""] = /^(kubernetes|kubernetes-gateway|configmap):\/\/(.+)$/.exec(name) ?? [];
  const parts = path.split("/");
  const [object = "", stated] = parts.reverse();
  if (!scheme || !object || parts.length > 2) return undefined;
  const bare = object.endsWith(CA_SUFFIX) ? object.slice(0, -CA_SUFFIX.length) : object;
  const get = (kind: string, at: string, one: string) => credentials.get(`${kind}/${at}/${one}`);
  if (scheme === "configmap") {
    const found = stated ? get("ConfigMap", stated, bare) : undefined;
    return found?.trust && { ...found, wants: "trust" };
  }
  const home = stated ?? namespace;
  const forGateway = scheme === "kubernetes-gateway";
  if (forGateway && stated === undefined) return undefined;
  const allowed = (one: string) => home === namespace || (forGateway && grants?.allows(namespace, home, one) === true);
  const own = (one: string) => (allowed(one) ? get("Secret", home, one) : undefined);
  const exact = own(object);
  if (bare !== object) {
    const found = exact ?? own(bare);
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
  readonly #from: SecretsFrom;
  readonly #sets = new Map<string, ResourceSet>();
  #before = new Map<string, ResourceSet>();

  constructor(from: SecretsFrom) {
    this.#from = from;
  }

  get typeUrl(): string {
    return SECRET_TYPE;
  }

  of({ namespace }: Pick<ProxyNode, "namespace">, names: ReadonlySet<string>): ResourceSet {
    const key = [namespace, ...[...names].sort()].join("\u0000");
    const known = this.#sets.get(key);
    if (known) return known;
    const resources = new Map<string, EncodedResource>();
    for (const { name, resource, source } of secretResources(this.#from, namespace, names))
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
