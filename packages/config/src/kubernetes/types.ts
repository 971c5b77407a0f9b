import { type KubernetesClient, KubernetesError, RESOURCES, type ResourceType } from "@fairlead/kubernetes";
import { GATEWAY_API_KINDS } from "../gateway-api/kinds.ts";
import { KINDS } from "../kinds.ts";

/** A type by the API versions that will do, the preferred one first: of several the server may serve any. */
export type WantedType = Omit<ResourceType, "apiVersion"> & { readonly apiVersions: readonly string[] };

interface Definition {
  readonly group: string;
  readonly versions: readonly string[];
  readonly plural: string;
  readonly clusterScoped?: boolean;
}

function wanted(kinds: Readonly<Record<string, Definition>>): readonly WantedType[] {
  return Object.entries(kinds).map(([kind, { group, versions, plural, clusterScoped }]) => ({
    kind,
    plural,
    namespaced: !clusterScoped,
    apiVersions: versions.map((version) => `${group}/${version}`),
  }));
}

function builtIn({ apiVersion, ...type }: ResourceType): WantedType {
  return { ...type, apiVersions: [apiVersion] };
}

/** Istio's kinds. */
export const ISTIO_TYPES: readonly WantedType[] = wanted(KINDS);

/** What a mesh is made of besides Istio's kinds: services and what runs them, credentials, Ingresses, the Gateway API. */
export const DOCUMENT_TYPES: readonly WantedType[] = [
  ...[
    RESOURCES.services,
    RESOURCES.pods,
    RESOURCES.endpointSlices,
    RESOURCES.namespaces,
    RESOURCES.nodes,
    RESOURCES.secrets,
    RESOURCES.configMaps,
    RESOURCES.ingresses,
    RESOURCES.ingressClasses,
  ].map(builtIn),
  ...wanted(GATEWAY_API_KINDS),
];

/** What of some types can be had on a server. */
export interface ServedTypes {
  readonly served: readonly ResourceType[];
  /** The server has none of their API versions. */
  readonly missing: readonly WantedType[];
  /** The client may not list them. */
  readonly forbidden: readonly WantedType[];
}

const ACCESS_REVIEWS: ResourceType = {
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  namespaced: false,
};

/**
 * Which types a server serves and lets the client list, each in the first of its API versions. Rejects with KubernetesError
 * where it cannot be asked. Source: Kubernetes, "SelfSubjectAccessReview".
 */
export async function servedTypes(
  client: KubernetesClient,
  types: readonly WantedType[],
  { namespace, signal }: { readonly namespace?: string | undefined; readonly signal?: AbortSignal } = {},
): Promise<ServedTypes> {
  const scope = signal ? { signal } : {};
  const names = new Map<string, Promise<readonly string[]>>();
  const serves = async (apiVersion: string, plural: string) => {
    const known = names.get(apiVersion) ?? client.resources(apiVersion, scope);
    names.set(apiVersion, known);
    return (await known).includes(plural);
  };
  const found = { served: [] as ResourceType[], missing: [] as WantedType[], forbidden: [] as WantedType[] };
  for (const type of types) {
    const { apiVersions, ...rest } = type;
    let apiVersion: string | undefined;
    for (const candidate of apiVersions)
      if (apiVersion === undefined && (await serves(candidate, type.plural))) apiVersion = candidate;
    if (apiVersion === undefined) found.missing.push(type);
    else if (await mayList(client, { ...rest, apiVersion }, namespace, scope))
      found.served.push({ ...rest, apiVersion });
    else found.forbidden.push(type);
  }
  return found;
}

async function mayList(
  client: KubernetesClient,
  { apiVersion, plural, namespaced }: ResourceType,
  namespace: string | undefined,
  scope: { readonly signal?: AbortSignal },
): Promise<boolean> {
  const slash = apiVersion.indexOf("/");
  const resourceAttributes = {
    verb: "list",
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    resource: plural,
    ...(namespaced && namespace !== undefined && { namespace }),
  };
  try {
    const review = await client.create(ACCESS_REVIEWS, { spec: { resourceAttributes } }, scope);
    return (review.status as { readonly allowed?: boolean } | undefined)?.allowed !== false;
  } catch (error) {
    // A server that knows no such reviews answers the list itself.
    if (error instanceof KubernetesError && (error.code === "not-found" || error.code === "rejected")) return true;
    throw error;
  }
}
