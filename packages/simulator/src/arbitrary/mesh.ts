import fc from "fast-check";
import { type LoadedMesh, type MeshOptions, meshFromYaml, type YamlText } from "../mesh/from-yaml.ts";
import { httpRoutes } from "./http-route.ts";
import { message, oneOf, rarely } from "./pick.ts";
import { authorizationPolicies, peerAuthentications, trafficPolicies } from "./policy.ts";

/** A Kubernetes object, plain. */
export interface GeneratedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
  readonly status?: object;
}

/** A mesh that was made up. */
export interface GeneratedMesh {
  readonly objects: readonly GeneratedObject[];
  /** One file an object, for `meshFromYaml` or to be written somewhere. */
  readonly texts: readonly YamlText[];
  load(options?: MeshOptions): LoadedMesh;
}

/** What {@link questions} can be asked about, in every generated mesh. */
export const WORKLOADS = ["shop.default", "stock.default", "bank.other"] as const;
export const SERVICES = ["shop", "stock", "bank.other", "outside.example.com"] as const;
export const INGRESS = "gate.default";

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  spec: object | undefined,
  namespace = "default",
  more: Partial<GeneratedObject> = {},
): GeneratedObject => ({ apiVersion, kind, metadata: { name, namespace }, ...(spec && { spec }), ...more });

const istio = (kind: string, name: string, spec: object, namespace = "default") =>
  object(
    /Authentication|Authorization/.test(kind) ? "security.istio.io/v1" : "networking.istio.io/v1",
    kind,
    name,
    spec,
    namespace,
  );

function app(name: string, namespace: string, number: number, versions: readonly string[]): GeneratedObject[] {
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "tcp-data", port: 5000 },
  ];
  return [
    object("v1", "Service", name, { clusterIP: `10.1.0.${number}`, selector: { app: name }, ports }, namespace),
    ...versions.map((version, index) => {
      const labels = { app: name, version };
      const made = object("v1", "Pod", `${name}-${version}`, { serviceAccountName: name }, namespace, {
        status: {
          podIP: `10.2.0.${number * 4 + index}`,
          phase: "Running",
          conditions: [{ type: "Ready", status: "True" }],
        },
      });
      return { ...made, metadata: { ...made.metadata, labels } };
    }),
  ];
}

const SUBSETS = ["v1", "v2"].map((name) => ({ name, labels: { version: name } }));

/** What is the same in every mesh: applications in two namespaces, a service outside, a gateway. */
const BASE: readonly GeneratedObject[] = [
  ...app("shop", "default", 1, ["v1"]),
  ...app("stock", "default", 2, ["v1", "v2"]),
  ...app("bank", "other", 3, ["v1", "v2"]),
  ...app("gate", "default", 4, ["v1"]),
  istio("ServiceEntry", "outside", {
    hosts: ["outside.example.com"],
    location: "MESH_EXTERNAL",
    resolution: "STATIC",
    ports: [{ number: 443, name: "tls", protocol: "TLS" }],
    endpoints: [{ address: "203.0.113.7" }],
  }),
  istio("Gateway", "gate", {
    selector: { app: "gate" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
];

const destinations = fc.oneof(
  fc.record({ host: oneOf("stock", "bank.other.svc.cluster.local"), subset: oneOf("v1", "v2") }),
  fc.record({ host: oneOf("shop", "stock", "bank.other.svc.cluster.local") }),
);

const virtualServices = fc.uniqueArray(
  fc.record({
    hosts: oneOf(["stock"], ["shop"], ["bank.other.svc.cluster.local"], ["*.test"]),
    gateways: oneOf(["mesh"], ["mesh", "gate"], ["gate"]),
    http: fc.array(httpRoutes({ destinations, port: 80, host: "a.test", gateways: [["mesh"], ["default/gate"]] }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  { selector: ({ hosts }) => hosts[0], maxLength: 3 },
);

const tcpRoutes = message({
  hosts: oneOf(["stock"]),
  tcp: oneOf(
    [{ match: [{ port: 5000 }], route: [{ destination: { host: "stock", subset: "v1" } }] }],
    [
      {
        route: [
          { destination: { host: "stock", subset: "v1" }, weight: 30 },
          { destination: { host: "bank.other.svc.cluster.local" }, weight: 70 },
        ],
      },
    ],
  ),
});

/**
 * Meshes of a few applications with random routes (matches, weights, rewrites, redirects, faults, CORS, mirrors, retries), traffic
 * policies, authorization and mutual TLS modes. All of them are valid; a failing one shrinks to few objects.
 */
export function meshes(): fc.Arbitrary<GeneratedMesh> {
  return fc
    .record({
      virtualServices,
      tcp: rarely(tcpRoutes),
      stock: trafficPolicies,
      bank: rarely(trafficPolicies, 3),
      authorization: fc.array(authorizationPolicies(["stock", "shop"]), { maxLength: 2 }),
      authentication: rarely(peerAuthentications, 2),
    })
    .map(({ virtualServices: routes, tcp, stock, bank, authorization, authentication }) =>
      generatedMesh([
        ...BASE,
        istio("DestinationRule", "stock", { host: "stock", trafficPolicy: stock, subsets: SUBSETS }),
        istio("DestinationRule", "bank", {
          host: "bank.other.svc.cluster.local",
          ...(bank && { trafficPolicy: bank }),
          subsets: SUBSETS,
        }),
        ...routes.map((spec, index) => istio("VirtualService", `routes-${index}`, spec)),
        ...(tcp ? [istio("VirtualService", "tcp", tcp)] : []),
        ...authorization.map((spec, index) => istio("AuthorizationPolicy", `policy-${index}`, spec)),
        ...(authentication ? [istio("PeerAuthentication", "default", authentication)] : []),
      ]),
    );
}

/** A mesh of these objects. */
export function generatedMesh(objects: readonly GeneratedObject[]): GeneratedMesh {
  const texts = objects.map((one) => ({
    file: `${one.kind}-${one.metadata.namespace}-${one.metadata.name}.yaml`.toLowerCase(),
    text: JSON.stringify(one, undefined, 2),
  }));
  const own = objects.filter((one) => !BASE.includes(one));
  return {
    objects,
    texts,
    load: (options) => meshFromYaml(texts, options),
    // What fast-check prints of a counterexample: all but what is in every mesh.
    [fc.toStringMethod]: () =>
      own.map(({ kind, metadata, spec }) => `${kind} ${metadata.name} ${JSON.stringify(spec)}`).join("\n"),
  } as GeneratedMesh;
}
