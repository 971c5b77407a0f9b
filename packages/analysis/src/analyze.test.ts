import { parseDocuments } from "@fairlead/config";
import { formatDiagnostic } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { AnalyzeOptions } from "./analysis.ts";
import { analyze } from "./analyze.ts";
import { CATALOGUE } from "./catalogue.ts";
import { analyzeClusters } from "./clusters.ts";
import { RULES } from "./rules.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{name: http, port: 9080}]}
`;
const ROUTE = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  annotations: {}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: {host: reviewz}
      weight: 50
    - destination:
        host: reviews
        subset: v9
      weight: 50
`;

const read = (...texts: string[]) =>
  texts.flatMap((text, index) => parseDocuments(text, { file: `${index}.yaml` }).documents);
const codes = (texts: string[], options?: AnalyzeOptions) => analyze(read(...texts), options).map(({ code }) => code);

describe("findings", () => {
  test("name object, field and line", () => {
    const found = analyze(read(SERVICE, ROUTE)).map(formatDiagnostic);
    expect(found).toEqual([
      '1.yaml:11:21: error VirtualService default/reviews spec.http[0].route[0].destination.host: the host "reviewz" does not exist [IST0101]',
      "1.yaml:14:9: error VirtualService default/reviews spec.http[0].route[1].destination.host: no DestinationRule of reviews has the subset v9 that a destination names [IST0101]",
    ]);
  });

  test("do not depend on the order of the documents", () => {
    expect(analyze(read(SERVICE, ROUTE)).map(({ message }) => message)).toEqual(
      analyze(read(SERVICE, ROUTE).reverse()).map(({ message }) => message),
    );
  });

  test("none for nothing", () => {
    expect(analyze([])).toEqual([]);
  });

  test("survive objects of the wrong shape", () => {
    const odd = [
      "VirtualService",
      "DestinationRule",
      "Gateway",
      "ServiceEntry",
      "Sidecar",
      "AuthorizationPolicy",
      "EnvoyFilter",
      "Telemetry",
    ].map(
      (kind) => `
apiVersion: networking.istio.io/v1
kind: ${kind}
metadata: {name: odd, labels: [], annotations: 3}
spec: {http: 3, hosts: {}, servers: [null, 4], subsets: "x", rules: [[]], configPatches: [7], ports: [[]], selector: 1}`,
    );
    const pods = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: [1]\n";
    expect(() => analyze(read(...odd, pods))).not.toThrow();
  });
});

describe("suppression", () => {
  const annotated = (value: string) =>
    ROUTE.replace("annotations: {}", `annotations: {galley.istio.io/analyze-suppress: "${value}"}`);
  test.each([
    ["IST0101", 0],
    ["*", 0],
    ["IST0102, IST0101", 0],
    ["IST0102", 2],
  ])("by annotation %s", (value, left) => {
    expect(codes([SERVICE, annotated(value)])).toHaveLength(left);
  });

  test.each([
    ["VirtualService reviews.default", 0],
    ["VirtualService r*.default", 0],
    ["*", 0],
    ["VirtualService reviews.other", 2],
    ["DestinationRule *", 2],
  ])("by flag %s", (resource, left) => {
    expect(codes([SERVICE, ROUTE], { suppress: [{ code: "IST0101", resource }] })).toHaveLength(left);
  });
});

test("the gateway of the installation is there, unless told otherwise", () => {
  const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: web}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["a.com"]}]}`;
  expect(codes([gateway])).toEqual([]);
  expect(codes([gateway], { defaultGateway: false })).toEqual(["IST0101"]);
});

test("Services of several clusters agree", () => {
  const other = SERVICE.replace("9080", "9081");
  const found = analyzeClusters(
    new Map([
      ["a", read(SERVICE)],
      ["b", read(other)],
    ]),
  );
  expect(found.map(({ code, message }) => `${code} ${message}`)).toEqual([
    "IST0170 differs between the clusters a, b: the ports are not the same",
  ]);
  expect(
    analyzeClusters(
      new Map([
        ["a", read(SERVICE)],
        ["b", read(SERVICE)],
      ]),
    ),
  ).toEqual([]);
});

test("every rule has a name of its own and codes of the catalogue", () => {
  expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  for (const rule of RULES) for (const code of rule.codes) expect(CATALOGUE).toHaveProperty(code);
});

test("knows the registries that networks may take endpoints from", () => {
  const secret = `apiVersion: v1
kind: Secret
metadata: { name: remote, namespace: istio-system, labels: { istio/multiCluster: "true" } }
data: { east: a3ViZWNvbmZpZw== }
`;
  const meshNetworks = {
    networks: {
      one: {
        endpoints: [{ fromRegistry: "Kubernetes" }, { fromRegistry: "east" }, { fromRegistry: "west" }],
        gateways: [],
      },
      two: { endpoints: [{ fromCidr: "10.0.0.0/8" }, { fromRegistry: "south" }], gateways: [] },
    },
  };
  const found = analyze(parseDocuments(secret, { file: "secret.yaml" }).documents, { meshNetworks });
  expect(found.map(({ code, object, path }) => [code, object?.kind, object?.namespace, object?.name, path])).toEqual([
    ["IST0126", "MeshNetworks", "istio-system", "meshnetworks", 'networks["one"].endpoints[2].fromRegistry'],
    ["IST0126", "MeshNetworks", "istio-system", "meshnetworks", 'networks["two"].endpoints[1].fromRegistry'],
  ]);
});
