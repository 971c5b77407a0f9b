// Longer than most files: the requests of one suite of tests, who sends them, and how it judges the answers.
import { type GatewayApiObject, parseDocuments, printDocument, validateGatewayApi } from "@fairlead/config";
import { type ProxyNode, parseNode } from "@fairlead/model";
import { evaluateResources } from "../src/evaluate-resources.ts";
import type { Branch, Evaluation, Forward } from "../src/evaluation.ts";
import { meshFromYaml } from "../src/mesh/from-yaml.ts";
import { findNode } from "../src/mesh/node.ts";
import { worldOf } from "../src/mesh/world.ts";
import type { Resources } from "../src/resources.ts";
import { mutate } from "../src/route/header-mutation.ts";
import { conformanceFolders, conformanceJson, conformanceText } from "./conformance-data.ts";

interface RequestOf {
  readonly Host?: string;
  readonly Path?: string;
  readonly Method?: string;
  readonly SNI?: string;
  readonly Headers?: Readonly<Record<string, string>> | null;
}

/** A request of the Gateway API's conformance tests, and what is expected of it. */
export interface ConformanceCall {
  readonly TestCaseName?: string;
  readonly Backend?: string;
  readonly Namespace?: string;
  readonly Request?: RequestOf;
  readonly EchoRequest?: object;
  readonly EchoTwoRequest?: object;
  readonly RequestMetadata?: {
    readonly Authority?: string;
    readonly Metadata?: Readonly<Record<string, string>>;
  };
  readonly ExpectedRequest?: {
    readonly Request: RequestOf;
    readonly AbsentHeaders?: readonly string[];
  };
  readonly RedirectRequest?: {
    readonly Scheme?: string;
    readonly Host?: string;
    readonly Port?: string;
    readonly Path?: string;
  };
  readonly Response?: {
    readonly StatusCode?: number;
    readonly StatusCodes?: readonly number[];
    readonly Headers?: Readonly<Record<string, string | readonly string[]>>;
    readonly AbsentHeaders?: readonly string[];
    readonly ValidHeaderValues?: Readonly<Record<string, readonly string[]>>;
  };
  readonly BackendSetResponseHeaders?: Readonly<Record<string, string>>;
  readonly MirroredTo?: readonly { readonly BackendRef: { readonly Name: string; readonly Namespace: string } }[];
}

export interface ConformanceTest {
  readonly id: string;
  readonly names: Readonly<Record<string, { readonly Name: string; readonly Namespace: string }>>;
  readonly cases: readonly ConformanceCall[];
}

export function conformanceTests(): readonly ConformanceTest[] {
  return conformanceFolders("routing/gateway-api").map((name) =>
    conformanceJson<ConformanceTest>(`routing/gateway-api/${name}/case.json`),
  );
}

/** One way to send the requests of a test: to a port of a gateway's proxy, or from a Pod of the mesh. */
interface Client {
  readonly name: string;
  readonly resources: Resources;
  readonly port: number;
  readonly address: string;
  readonly tls: boolean;
  /** The Deployment behind a Service, by the Service's host name. */
  readonly backends: ReadonlyMap<string, string>;
}

function backendsOf(text: string): Client["backends"] {
  const services = parseDocuments(text, { file: "manifests.yaml" }).documents.filter(({ kind }) => kind === "Service");
  return new Map(
    services.map(({ name, namespace, value }) => {
      const { selector } = (value.spec ?? {}) as { readonly selector?: Readonly<Record<string, string>> };
      return [`${name}.${namespace}.svc.cluster.local`, selector?.app ?? name];
    }),
  );
}

const ADDRESS = "10.9.0.1";

/**
 * What is wrong with the answer to each call: by the client that comes nearest, since tests do not say which of their
 * gateways and ports they send to. Empty: it is as expected.
 */
export function answerTest(test: ConformanceTest): readonly string[] {
  const clients = test.id.startsWith("mesh") ? meshClients(test) : gatewayClients(test);
  const certified = test.id === "gateway-frontend-client-certificate-validation";
  return test.cases.map((call) => {
    // There, who is not to be answered shows no certificate.
    const faults = clients.map((client) =>
      certified && !call.Response ? refusalOf(call, client) : faultOf(call, client, certified),
    );
    return faults.includes("") ? "" : (faults.toSorted((a, b) => a.length - b.length)[0] ?? "there is no client");
  });
}

function textsOf(test: ConformanceTest, base: string): string {
  const read = (name: string) => conformanceText(`routing/gateway-api/${name}`) ?? "";
  return `${read(base)}\n---\n${read(`${test.id}/manifests.yaml`)}`.replaceAll("{GATEWAY_CLASS_NAME}", "istio");
}

function gatewayClients(test: ConformanceTest): readonly Client[] {
  const text = textsOf(test, "base-manifests.yaml");
  const objects = parseDocuments(text, { file: "manifests.yaml" }).documents.flatMap(
    ({ value }) => validateGatewayApi(value)?.object ?? [],
  );
  const gateways = objects.filter((object) => object.kind === "Gateway") as GatewayApiObject<"Gateway">[];
  const sets = objects.filter((object) => object.kind === "ListenerSet") as GatewayApiObject<"ListenerSet">[];
  const parents = objects.flatMap(({ spec }) => ("parentRefs" in spec ? (spec.parentRefs ?? []) : []));
  const named = new Set([test.names.gwNN?.Name, ...parents.map(({ name }) => name)]);
  const meant = gateways.filter(({ metadata }) => named.has(metadata.name));
  const portsOf = ({ metadata, spec }: GatewayApiObject<"Gateway">) => [
    ...spec.listeners,
    ...sets.filter(({ spec: { parentRef } }) => parentRef.name === metadata.name).flatMap((set) => set.spec.listeners),
  ];
  const { mesh } = meshFromYaml([{ file: "mesh.yaml", text }]);
  return meant.flatMap((gateway) => {
    const { name, namespace } = gateway.metadata;
    const { resources } = worldOf(mesh, findNode(mesh, `${name}-istio.${namespace}`));
    const ports = new Map(portsOf(gateway).map(({ port, protocol }) => [port, protocol]));
    return [...ports].map(([port, protocol]) => ({
      name: `${name}:${port}`,
      resources,
      port,
      address: ADDRESS,
      tls: protocol === "HTTPS" || protocol === "TLS",
      backends: backendsOf(text),
    }));
  });
}

const MESH = "gateway-conformance-mesh";

/** Pods of the namespaces that tests send from; both in turn. */
function meshClients(test: ConformanceTest): readonly Client[] {
  const text = textsOf(test, "mesh-manifests.yaml");
  const documents = parseDocuments(text, { file: "manifests.yaml" }).documents;
  const namespaces = documents.filter(({ kind }) => kind === "Namespace").map(({ name }) => name);
  const services = documents.filter(({ kind }) => kind === "Service");
  const withAddresses = services.map(({ value }, index) =>
    printDocument({ ...value, spec: { ...(value.spec as object), clusterIP: `10.8.0.${index + 1}` } }),
  );
  const others = documents.filter(({ kind }) => kind !== "Service").map(({ value }) => printDocument(value));
  const { mesh } = meshFromYaml([{ file: "mesh.yaml", text: [...others, ...withAddresses].join("\n---\n") }]);
  return namespaces.flatMap((namespace, index) => {
    const node = clientIn(namespace, `10.7.0.${index + 1}`);
    const { resources } = worldOf(mesh, node);
    return services.map((service, position) => ({
      name: `${namespace} to ${service.name}`,
      resources,
      port: 80,
      address: `10.8.0.${position + 1}`,
      tls: false,
      backends: backendsOf(text),
    }));
  });
}

function clientIn(namespace: string, address: string): ProxyNode {
  const { node } = parseNode({
    id: `sidecar~${address}~client.${namespace}~${namespace}.svc.cluster.local`,
    metadata: { NAMESPACE: namespace, LABELS: { app: "client" }, INSTANCE_IPS: address },
  });
  if (!node) throw new Error(`${namespace}: no node`);
  return node;
}

const GRPC = "/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/";

function requestOf(call: ConformanceCall): Required<Pick<RequestOf, "Method" | "Path">> & RequestOf {
  if (!call.EchoRequest && !call.EchoTwoRequest) return { Method: "GET", Path: "/", ...call.Request };
  const path = `${GRPC}${call.EchoTwoRequest ? "EchoTwo" : "Echo"}`;
  const { Authority, Metadata } = call.RequestMetadata ?? {};
  return { Method: "POST", Path: path, ...(Authority && { Host: Authority }), ...(Metadata && { Headers: Metadata }) };
}

function refusalOf(call: ConformanceCall, client: Client): string {
  const [branch] = evaluate(call, client, false).branches;
  return branch?.kind === "closed" && branch.failure === "invalid-mtls" ? "" : "expected to be refused";
}

function faultOf(call: ConformanceCall, client: Client, certified: boolean): string {
  return mismatch(call, evaluate(call, client, certified), client);
}

function evaluate(call: ConformanceCall, client: Client, certified: boolean): Evaluation {
  const mesh = client.address !== ADDRESS;
  const { Host = mesh ? "echo" : ADDRESS, Path, Method, Headers, SNI } = requestOf(call);
  const dialled = Number(/:(\d+)$/.exec(Host)?.[1] ?? client.port);
  const headers = new Map<string, string>([
    [":authority", Host],
    [":method", Method],
    [":path", Path],
    [":scheme", client.tls ? "https" : "http"],
  ]);
  for (const [name, value] of Object.entries(Headers ?? {})) headers.set(name.toLowerCase(), value);
  return evaluateResources(client.resources, {
    entry: mesh ? "outbound" : "bound",
    connection: {
      destination: { address: client.address, port: mesh ? dialled : client.port },
      source: { address: "10.9.9.9", port: 50_000 },
      tls: client.tls,
      sni: client.tls ? (SNI ?? Host) : "",
      alpn: [],
      ...(certified && { peer: { uris: [], dnsNames: ["client.example.org"] } }),
      protocol: call.EchoRequest || call.EchoTwoRequest ? "http/2" : "http/1.1",
    },
    request: { path: Path, pathname: Path.split("?")[0] ?? "", headers, metadata: new Map() },
  });
}

function mismatch(call: ConformanceCall, { branches }: Evaluation, { resources, backends }: Client): string {
  const wanted = call.Response?.StatusCodes ?? [call.Response?.StatusCode ?? 200];
  const forwards = branches.filter((branch): branch is Forward => branch.kind === "forward");
  const said = branches.map(words).join(" or ");
  if (call.RedirectRequest) return redirected(call, branches, wanted) ? "" : `expected a redirect, got ${said}`;
  const [reply] = branches.filter((branch) => branch.kind === "reply");
  if (reply && wanted.includes(reply.reply.status))
    return missing(call, new Map(Object.entries(reply.reply.headers ?? {})));
  const [first] = forwards;
  if (first && wanted.includes(504) && isTooSlow(call, first)) return "";
  // A cluster that is not there is answered for as the route says.
  const gone = first && !(resources.clusters ?? []).some(({ name }) => name === first.cluster);
  if (gone && wanted.includes(500) && first.action?.clusterNotFoundResponseCode === "INTERNAL_SERVER_ERROR") return "";
  if (!wanted.includes(200)) return `expected ${wanted.join()}, got ${said}`;
  if (forwards.length === 0) return `expected to be forwarded, got ${said}`;
  const { Backend, Namespace = MESH } = call;
  const here = Backend
    ? forwards.filter(({ cluster }) => {
        const host = cluster.slice(cluster.lastIndexOf("|") + 1);
        return host === `${Backend}.${Namespace}.svc.cluster.local` || backends.get(host) === Backend;
      })
    : forwards;
  const [forward] = here;
  if (!forward) return `expected ${Namespace}/${Backend}, got ${said}`;
  return requestMismatch(call, forward) || responseMismatch(call, forward);
}

/** Whether the backend, which waits as long as the path says, answers later than the route waits. */
function isTooSlow(call: ConformanceCall, { timeout = "0s" }: Forward): boolean {
  const delay = Number(/delay=(\d+)s/.exec(call.Request?.Path ?? "")?.[1] ?? 0);
  const patience = Number(timeout.slice(0, -1));
  return patience > 0 && patience < delay;
}

function words(branch: Branch): string {
  if (branch.kind === "forward") return branch.cluster;
  return branch.kind === "reply" ? `${branch.reply.status} (${branch.reply.by})` : branch.failure;
}

function redirected(call: ConformanceCall, branches: readonly Branch[], wanted: readonly number[]): boolean {
  const [reply] = branches;
  if (reply?.kind !== "reply" || !wanted.includes(reply.reply.status)) return false;
  const { Scheme, Host, Port, Path } = call.RedirectRequest ?? {};
  const location = new URL(reply.reply.headers?.location ?? "", `http://${requestOf(call).Host ?? ADDRESS}`);
  const written = /^https?:\/\/[^/]*:(\d+)/.exec(reply.reply.headers?.location ?? "")?.[1] ?? "";
  return (
    (Scheme === undefined || location.protocol === `${Scheme}:`) &&
    (Host === undefined || location.hostname === Host) &&
    (Path === undefined || location.pathname === Path) &&
    (Port === undefined || Port === written || (Port === "" && written === ""))
  );
}

function requestMismatch({ ExpectedRequest, MirroredTo }: ConformanceCall, forward: Forward): string {
  const { Host, Path, Headers } = ExpectedRequest?.Request ?? {};
  if (Host && forward.authority !== Host && forward.headers.get(":authority") !== Host)
    return `expected host ${Host}, got ${forward.authority}`;
  if (Path && forward.headers.get(":path") !== Path)
    return `expected path ${Path}, got ${forward.headers.get(":path")}`;
  for (const [name, value] of Object.entries(Headers ?? {})) {
    const got = forward.headers.get(name.toLowerCase());
    if (got !== value) return `expected header ${name}: ${value}, got ${got}`;
  }
  for (const name of ExpectedRequest?.AbsentHeaders ?? [])
    if (forward.headers.has(name.toLowerCase())) return `expected no header ${name}`;
  for (const { BackendRef } of MirroredTo ?? [])
    if (
      !forward.mirrors.some(({ cluster }) =>
        cluster.endsWith(`||${BackendRef.Name}.${BackendRef.Namespace}.svc.cluster.local`),
      )
    )
      return `expected a copy to ${BackendRef.Name}`;
  return "";
}

/** The backend gives back the headers that the test asks it to, those of gRPC the ones that it was sent. */
function responseMismatch(call: ConformanceCall, forward: Forward): string {
  const given = call.EchoRequest || call.EchoTwoRequest ? forward.headers : new Map<string, string>();
  const headers = new Map(
    [...given, ...Object.entries(call.BackendSetResponseHeaders ?? {})].map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  return missing(call, mutate(headers, forward.responseHeaders));
}

function missing({ Response }: ConformanceCall, headers: ReadonlyMap<string, string>): string {
  for (const [name, value] of Object.entries(Response?.Headers ?? {})) {
    const got = headers.get(name.toLowerCase());
    if (got !== [value].flat().join(","))
      return `expected response header ${name}: ${[value].flat().join()}, got ${got}`;
  }
  for (const name of Response?.AbsentHeaders ?? [])
    if (headers.has(name.toLowerCase())) return `expected no response header ${name}`;
  return "";
}
