import { readdirSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import {
  convertGatewayApi,
  type GatewayApiWorld,
  type KnownService,
  toKubernetes,
  validateGatewayApi,
} from "../src/index.ts";
import { hasConformance, sharedPath } from "./conformance.ts";

interface Environment {
  readonly domainSuffix: string;
  readonly services: readonly {
    readonly hostname?: string;
    readonly namespace: string;
    readonly ports: readonly { readonly name: string; readonly port: number }[];
    readonly clusterExternalAddresses?: readonly string[];
  }[];
  readonly kubernetesObjects: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly data?: Readonly<Record<string, string>>;
    readonly stringData?: Readonly<Record<string, string>>;
  }[];
}

type Json = Readonly<Record<string, unknown>>;

/** The world that all cases share, with the further objects of the case itself. */
function worldOf(
  { domainSuffix, services, kubernetesObjects }: Environment,
  documents: readonly Json[],
): GatewayApiWorld {
  const objects = [...kubernetesObjects, ...(documents as unknown as Environment["kubernetesObjects"])];
  const content = (kind: string, namespace: string, name: string) => {
    const found = objects.find(
      (one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
    );
    const decoded = Object.fromEntries(
      Object.entries(found?.data ?? {}).map(([key, value]) => [
        key,
        kind === "Secret" ? Buffer.from(value, "base64").toString() : value,
      ]),
    );
    return found && { ...decoded, ...found.stringData };
  };
  const known: KnownService[] = services.flatMap(({ hostname, namespace, ports, clusterExternalAddresses }) => {
    if (hostname === undefined) return [];
    const instances = new Map(ports.map(({ port }, index) => [port, [index === 0 ? 8080 : 0]]));
    const all = ports.map(({ name, port }) => ({ name, number: port }));
    const object = objects.find(
      (one) =>
        one.kind === "Service" && `${one.metadata.name}.${one.metadata.namespace}.svc.${domainSuffix}` === hostname,
    );
    const labels = (object?.metadata as { labels?: Record<string, string> } | undefined)?.labels ?? {};
    const external = clusterExternalAddresses && { externalAddresses: clusterExternalAddresses };
    return [{ hostname, namespace, labels, ports: all, addresses: [], ...external, instances }];
  });
  for (const { kind, metadata, spec } of documents as unknown as readonly {
    kind: string;
    metadata: Json;
    spec: Json;
  }[]) {
    if (kind !== "Service") continue;
    const hostname = `${metadata.name}.${metadata.namespace}.svc.${domainSuffix}`;
    if (known.some((one) => one.hostname === hostname)) continue;
    const ports = (spec?.ports ?? []) as { name?: string; port: number }[];
    known.push({
      hostname,
      namespace: String(metadata.namespace),
      labels: (metadata.labels ?? {}) as Record<string, string>,
      ports: ports.map(({ name = "", port }) => ({ name, number: port })),
      addresses: [],
      instances: new Map(),
    });
  }
  const namespaces = new Set(documents.map((one) => String((one.metadata as Json | undefined)?.namespace ?? "")));
  return {
    domainSuffix,
    services: (hostname) => known.filter((one) => one.hostname === hostname),
    serviceEntry(namespace, name) {
      const found = documents.find((one) => {
        const metadata = one.metadata as Json;
        return one.kind === "ServiceEntry" && metadata.name === name && metadata.namespace === namespace;
      }) as { spec: { hosts: string[]; ports?: { name: string; number: number }[] }; metadata: Json } | undefined;
      const labels = (found?.metadata.labels ?? {}) as Record<string, string>;
      return found && { hosts: found.spec.hosts, ports: found.spec.ports ?? [], labels };
    },
    namespaces: new Map(
      [...namespaces].map((name) => [name, { "istio.io/test-name-part": name.slice(0, name.indexOf("-") >>> 0) }]),
    ),
    secret: (namespace, name) => content("Secret", namespace, name),
    configMap: (namespace, name) => content("ConfigMap", namespace, name),
  };
}

/** Protobuf's JSON leaves out what is zero or empty; times are nobody's here. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "lastTransitionTime" && key !== "creationTimestamp")
    .map(([key, item]) => [key, normal(item)] as const)
    .filter(([key, item]) => item !== "" || key === "internal.istio.io/service-account-name" || key === "group")
    .filter(
      ([key, item]) =>
        item !== "PASSTHROUGH" &&
        !(Array.isArray(item) && item.length === 0) &&
        !(key === "insecureSkipVerify" && item === undefined),
    );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe.runIf(hasConformance())("Istio's conversions of the Gateway API", () => {
  const folder = sharedPath("conformance/gateway-api");
  const read = (path: string) => readFileSync(`${folder}/${path}`, "utf8");
  const documentsOf = (path: string) =>
    parseAllDocuments(read(path)).flatMap((document): readonly Json[] => {
      const value = document.toJS() as Json | null;
      return value ? [value] : [];
    });
  const environment = JSON.parse(read("environment.json")) as Environment;
  const exceptions = JSON.parse(
    readFileSync(new URL("gateway-api-exceptions.json", import.meta.url), "utf8"),
  ) as Readonly<Record<string, { readonly reason: string; readonly objects: readonly string[] }>>;
  const cases = readdirSync(folder).filter((name) => !name.endsWith(".json"));

  it.each(cases)("%s", (name) => {
    const documents = documentsOf(`${name}/in.yaml`);
    const objects = documents.flatMap((document) => validateGatewayApi(document)?.object ?? []);
    const { objects: made, statuses } = convertGatewayApi(objects, worldOf(environment, documents));
    const excepted = exceptions[name]?.objects ?? [];
    const differing = differences(
      [
        ...made.map(toKubernetes),
        ...statuses.map(({ object: { kind, metadata }, status }) => ({ kind, metadata, status })),
      ],
      [...documentsOf(`${name}/expected-config.yaml`), ...documentsOf(`${name}/expected-status.yaml`)],
    );
    for (const [id, [ours, theirs]] of differing) if (!excepted.includes(id)) expect(ours, id).toEqual(theirs);
    expect([...differing.keys()].sort(), "an exception that is none any more").toEqual([...excepted].sort());
    // The order of objects counts too: the oldest is served first.
    const ids = (list: readonly Json[]) => list.map(idOf).filter((id) => !id.startsWith("status"));
    expect(ids(made.map(toKubernetes))).toEqual(ids(documentsOf(`${name}/expected-config.yaml`)));
  });
});

function idOf({ kind, metadata, status }: Json): string {
  const { namespace = "", name } = metadata as Json;
  return `${status === undefined ? "" : "status of "}${kind} ${namespace}/${name}`;
}

/** Objects and statuses that are not the same, by their names. */
function differences(ours: readonly Json[], theirs: readonly Json[]): ReadonlyMap<string, readonly [unknown, unknown]> {
  const index = (list: readonly Json[]) =>
    new Map(list.map((one) => [idOf(one), normal(one.status === undefined ? one : { status: one.status })]));
  const [one, other] = [index(ours), index(theirs)];
  return new Map(
    [...new Set([...one.keys(), ...other.keys()])]
      .map((id) => [id, [one.get(id), other.get(id)]] as const)
      .filter(([, [a, b]]) => !isDeepStrictEqual(a, b)),
  );
}
