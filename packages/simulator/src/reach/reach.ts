import type { Mesh } from "@fairlead/mesh";
import { type ProxyNode, type Service, type Workload, workloadSpiffeId } from "@fairlead/model";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";
import { evaluateResources } from "../evaluate-resources.ts";
import type { Branch } from "../evaluation.ts";
import { knownNames } from "../mesh/nearest.ts";
import { findNode, nodeOf, UNKNOWN_ADDRESS } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import { parseRequest, type RequestInput } from "../request.ts";
import type { Connection } from "../subject.ts";
import { type Door, doorsOf, type Room } from "./door.ts";
import { type ExampleRequest, exampleRequests } from "./example-request.ts";
import { exposures } from "./exposure.ts";
import { type PolicyFinding, policyFindings } from "./policy-finding.ts";
import { possiblePolicies, proofOfDenial } from "./possible.ts";

/** Those that have one identity: the workloads of a service account. */
export interface Caller {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** `NAME.NAMESPACE` */
  readonly workloads: readonly string[];
}

/** A request that gets through, made for the occasion and checked. */
export interface Witness {
  readonly request: RequestInput;
  /** The same, for `evaluate`, where the caller's own proxy brings it there too. */
  readonly question?: Question;
  /** The policy it was made for. */
  readonly policy?: string;
}

/** Whether a caller gets to a port of a service. */
export interface Way {
  readonly from: Caller;
  readonly to: { readonly service: string; readonly port: number; readonly workload: string };
  /** With the caller's certificate, or past its sidecar, as anybody in the network could. */
  readonly transport: "mtls" | "plaintext";
  /** `denied` is proved for every request; `undecided`: neither is that proved, nor was a request found that gets through. */
  readonly verdict: "reaches" | "denied" | "undecided";
  readonly because: string;
  /** One for each policy that allows something; one where none is needed. */
  readonly witnesses: readonly Witness[];
}

export interface ReachOptions {
  /** A namespace, or `WORKLOAD.NAMESPACE`. Default: all. */
  readonly from?: string;
  /** A namespace, a service (`reviews.default`), or its full host name. Default: all. */
  readonly to?: string;
}

export interface Reach {
  readonly ways: readonly Way[];
  /** Whether nothing gets through at all: the proof is each way's `because`, the counter-example the first that does. */
  readonly isolated: "proved" | "refuted" | "undecided";
  readonly counterExample?: Way;
  /** Policies without effect, policies against each other, and ports that take plaintext. */
  readonly findings: readonly PolicyFinding[];
}

/**
 * Who can call whom: for each identity and each port of each service that selects workloads, whether any request gets past the
 * callee's proxy. It takes callers as hostile: their own proxy does not hold them back, and they may leave mutual TLS out where
 * the callee does. Pure. Throws `SimulatorError` for names that are not in the mesh.
 */
export function reach(mesh: Mesh, options: ReachOptions = {}): Reach {
  const callers = callersOf(mesh, options.from);
  const services = servicesOf(mesh, options.to);
  const doors = services.flatMap((service) => doorsOf(mesh, service));
  const ways = doors.flatMap((door) => callers.map((caller) => wayThrough(mesh, caller, door)));
  const counterExample = ways.find(({ verdict }) => verdict === "reaches");
  const open = ways.some(({ verdict }) => verdict === "undecided");
  return {
    ways,
    isolated: counterExample ? "refuted" : open ? "undecided" : "proved",
    ...(counterExample && { counterExample }),
    findings: [...policyFindings(mesh, ways, doors), ...exposures(mesh, services)],
  };
}

interface CallerNode extends Caller {
  readonly node: ProxyNode;
  readonly hasSidecar: boolean;
}

function callersOf(mesh: Mesh, from: string | undefined): readonly CallerNode[] {
  const all = [...mesh.workloads()];
  if (from === undefined || all.some(({ namespace }) => namespace === from))
    return grouped(
      mesh,
      all.filter(({ namespace }) => from === undefined || namespace === from),
    );
  if (!from.includes(".")) {
    const known = all.map(({ namespace }) => namespace);
    throw new SimulatorError("unknown-workload", `no workload is in a namespace ${from}; ${knownNames(from, known)}`);
  }
  const node = findNode(mesh, from);
  const { namespace, serviceAccount = "default", name } = node;
  return [{ namespace, serviceAccount: serviceAccount || "default", workloads: [name], node, hasSidecar: true }];
}

function grouped(mesh: Mesh, workloads: readonly Workload[]): readonly CallerNode[] {
  const groups = new Map<string, Workload[]>();
  for (const workload of workloads) {
    const key = `${workload.namespace}/${workload.serviceAccount || "default"}`;
    groups.set(key, [...(groups.get(key) ?? []), workload]);
  }
  return [...groups.values()].flatMap((members) => {
    const first = members.find(({ tlsMode }) => tlsMode === "istio") ?? members[0];
    if (first === undefined) return [];
    const { namespace, serviceAccount, tlsMode } = first;
    const names = members.map((one) => `${one.name}.${one.namespace}`);
    return [
      {
        namespace,
        serviceAccount: serviceAccount || "default",
        workloads: names,
        node: nodeOf(mesh, first),
        hasSidecar: tlsMode === "istio",
      },
    ];
  });
}

function servicesOf(mesh: Mesh, to: string | undefined): readonly Service[] {
  const all = [...mesh.services()].sort((a, b) => (a.hostname < b.hostname ? -1 : 1));
  if (to === undefined) return all;
  const chosen = all.filter(
    ({ hostname, name, namespace }) => namespace === to || hostname === to || `${name}.${namespace}` === to,
  );
  if (chosen.length > 0) return chosen;
  const known = all.flatMap(({ hostname, name, namespace }) => [namespace, `${name}.${namespace}`, hostname]);
  throw new SimulatorError(
    "unknown-host",
    `${to} is no namespace with services and no service; ${knownNames(to, known)}`,
  );
}

function wayThrough(mesh: Mesh, caller: CallerNode, door: Door): Way {
  const { node, hasSidecar, ...from } = caller;
  const { service, servicePort, workload, port, transport, state, rooms } = door;
  const to = {
    service: service.hostname,
    port: servicePort,
    workload: `${workload.workloadName}.${workload.namespace}`,
  };
  const way = (verdict: Way["verdict"], because: string, witnesses: readonly Witness[] = []): Way => ({
    from,
    to,
    transport,
    verdict,
    because,
    witnesses,
  });
  const plain: RequestInput = { url: `http://${service.hostname}:${servicePort}/` };
  if (state === "open")
    return way("reaches", "the workload has no sidecar: nothing is checked there", [{ request: plain }]);
  if (transport === "mtls" && !hasSidecar)
    return way("denied", "the caller has no sidecar, so no certificate of the mesh");
  if (state === "shut" && door.entry === "bound") return way("denied", "the gateway does not listen there");
  if (state === "shut")
    return way("denied", transport === "plaintext" ? "mutual TLS is required" : "mutual TLS is not taken here");
  const peer = transport === "mtls" ? identityOf(mesh, node) : undefined;
  const proofs = rooms.map(({ filters, http, overridden }) =>
    overridden ? undefined : proofOfDenial(filters, { peer, port, http }),
  );
  const [proof] = proofs;
  if (proof !== undefined && !proofs.includes(undefined)) return way("denied", [...new Set(proofs)].join("; "));
  const witnesses = findWitnesses(mesh, caller, door, peer);
  if (witnesses.length === 0)
    return way("undecided", "no request was found that gets through, nor is it proved that none does");
  const policies = [...new Set(witnesses.flatMap(({ policy }) => policy ?? []))];
  return way("reaches", policies.length > 0 ? `allowed by ${policies.join(", ")}` : "no policy denies it", witnesses);
}

function identityOf(mesh: Mesh, node: ProxyNode): string {
  return workloadSpiffeId(
    mesh.meshConfig.trustDomain || "cluster.local",
    node.namespace,
    node.serviceAccount || "default",
  ).uri;
}

const MOST_HOSTS = 20;

/** Requests that get through: one for each allowing policy that can be met, else the first. */
function findWitnesses(mesh: Mesh, caller: CallerNode, door: Door, peer: string | undefined): readonly Witness[] {
  const found: Witness[] = [];
  for (const room of door.rooms) {
    const { filters, http, token, hosts } = room;
    const known = { peer, port: door.port, http };
    const policies = filters.flatMap(({ rules }) =>
      rules && (rules.action ?? "ALLOW") === "ALLOW" ? possiblePolicies(rules, known).some : [],
    );
    for (const policy of policies.length > 0 ? policies : [undefined]) {
      const made = http ? exampleRequests(filters, new Set(policy === undefined ? [] : [policy]), token) : [undefined];
      const named = hosts.slice(0, MOST_HOSTS).flatMap((host) => made.map((one) => one && { host, ...one }));
      for (const example of door.entry === "bound" && hosts.length > 0 ? named : made) {
        const witness = check(mesh, caller, door, room, peer, example);
        if (!witness) continue;
        found.push({ ...witness, ...(policy !== undefined && { policy }) });
        break;
      }
    }
    if (found.length > 0) break;
  }
  return found;
}

/** Whether a request gets past the callee's proxy; with mutual TLS, whether the caller's proxy brings it there too. */
function check(
  mesh: Mesh,
  { node }: CallerNode,
  { service, servicePort, workload, port, entry }: Door,
  { sni }: Room,
  peer: string | undefined,
  example: ExampleRequest | undefined,
): Witness | undefined {
  const request = example
    ? httpRequest(service, servicePort, example)
    : { url: `tcp://${service.hostname}:${servicePort}` };
  const parsed = parsedOrNothing(request);
  if (!parsed) return undefined;
  const connection: Connection = {
    destination: { address: workload.addresses[0] ?? UNKNOWN_ADDRESS, port },
    source: { address: node.ipAddresses[0] ?? UNKNOWN_ADDRESS, port: 50_000 },
    tls: peer !== undefined || sni !== undefined,
    sni: peer === undefined ? (sni ?? "") : `outbound_.${servicePort}_._.${service.hostname}`,
    alpn:
      peer === undefined ? [] : example ? ["istio-http/1.1", "istio", "http/1.1"] : ["istio-peer-exchange", "istio"],
    protocol: example ? "http/1.1" : "tcp",
    ...(peer !== undefined && { peer: { uris: [peer] } }),
  };
  const { resources } = worldOf(mesh, nodeOf(mesh, workload));
  const call = { entry, connection, ...(parsed.http && { request: parsed.http }) };
  const { branches } = evaluateResources(resources, call);
  // A gateway is reached by what its policies let on, whatever its routes make of it.
  const passes = (branch: Branch) =>
    branch.kind === "forward" ||
    (entry === "bound" && branch.kind === "reply" && !["rbac", "jwt"].includes(branch.reply.by));
  if (!branches.some(passes)) return undefined;
  const question = { from: node, request };
  return { request, ...(peer !== undefined && arrives(mesh, question, service) && { question }) };
}

function parsedOrNothing(request: RequestInput) {
  try {
    return parseRequest(request);
  } catch (error) {
    if (error instanceof SimulatorError) return undefined;
    throw error;
  }
}

function arrives(mesh: Mesh, question: Question, service: Service): boolean {
  try {
    const { destinations } = evaluate(mesh, question);
    return destinations.some((one) => one.service === service.hostname && (one.denied?.share ?? 0) < 1);
  } catch (error) {
    if (error instanceof SimulatorError) return false;
    throw error;
  }
}

function httpRequest(
  service: Service,
  port: number,
  { path = "/", method, host, headers, claims }: ExampleRequest,
): RequestInput {
  const all = { ...headers, ...(host !== undefined && { host }) };
  return {
    url: `http://${service.hostname}:${port}${path}`,
    ...(method !== undefined && { method }),
    ...(Object.keys(all).length > 0 && { headers: all }),
    ...(claims && { claims }),
  };
}
