import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import type { Answer, Response } from "./answer.ts";
import { type EndpointShare, endpointsOfCluster } from "./cluster/endpoints.ts";
import type { HttpConnectionManager, Listener } from "./envoy.ts";
import { evaluateResources } from "./evaluate-resources.ts";
import type { Branch, Evaluation } from "./evaluation.ts";
import { compileChain } from "./listener/compiled-chain.ts";
import { departureTransport, type Refusal, refusalsAt } from "./mesh/arrival.ts";
import { type Arrangement, entryPoint } from "./mesh/entry.ts";
import { findNode } from "./mesh/node.ts";
import { type Locate, positionsOf, sourceFinder } from "./mesh/positions.ts";
import { worldOf } from "./mesh/world.ts";
import { type ParsedRequest, parseRequest, type RequestInput } from "./request.ts";
import { indexOf } from "./resources.ts";
import { collectSettings } from "./settings/setting.ts";
import { type Arrived, statusOfMissing, summarise } from "./summary.ts";
import { formatTrace, recordTrace, type Tracer } from "./trace.ts";

type Collected = Pick<Answer, "settings" | "passed">;

/** Who asks for what. */
export interface Question extends Arrangement {
  /**
   * The caller: `WORKLOAD.NAMESPACE` (name of a Pod, of its controller, or its `app` label), or a proxy. From a gateway, the
   * request arrives at it from outside; from a sidecar, its own workload makes it.
   */
  readonly from: string | ProxyNode;
  readonly request: RequestInput;
}

export interface EvaluateOptions {
  /** Where fields are written. Meshes of `meshFromYaml` know it themselves. */
  readonly locate?: Locate;
  /** Whether the proxies of the callees are looked at too. Default true. */
  readonly callees?: boolean;
}

/**
 * What becomes of a request in a mesh: through the caller's proxy, to clusters and endpoints, past the proxies of the
 * callees. It reads the resources that the control plane would send, not the configuration they are made from. Pure: the
 * same answer for the same mesh and question. Throws `SimulatorError` for an unknown workload or host and for a request that
 * cannot be read.
 */
export function evaluate(mesh: Mesh, question: Question, options: EvaluateOptions = {}): Answer {
  const request = parseRequest(question.request);
  const node = typeof question.from === "string" ? findNode(mesh, question.from) : question.from;
  const locate = options.locate ?? positionsOf(mesh);
  const run = (tracer?: Tracer): ReturnType<typeof summarise> => {
    const call = entryPoint(mesh, node, request, question, tracer);
    const evaluation = evaluateResources(worldOf(mesh, node).resources, call, tracer);
    const arrive = (branch: Branch) =>
      arrival(mesh, node, request, locate, evaluation, branch, options.callees ?? true, tracer);
    return summarise(evaluation.branches.map(arrive));
  };
  const answer = run();
  let steps: Answer["trace"] | undefined;
  const trace = () => {
    if (steps === undefined) {
      const tracer = recordTrace(sourceFinder(worldOf(mesh, node).provenance, locate));
      run(tracer);
      steps = tracer.steps;
    }
    return steps;
  };
  let kept: Collected | undefined;
  const collected = () => {
    if (kept === undefined) {
      const collector = collectSettings();
      run(collector);
      kept = { settings: collector.settings(), passed: collector.passed() };
    }
    return kept;
  };
  return {
    ...answer,
    get settings() {
      return collected().settings;
    },
    get passed() {
      return collected().passed;
    },
    get trace() {
      return trace();
    },
    explain: () => `${headline(question, answer)}\n${formatTrace(telling(trace()))}`,
  };
}

function arrival(
  mesh: Mesh,
  node: ProxyNode,
  request: ParsedRequest,
  locate: Locate | undefined,
  evaluation: Evaluation,
  branch: Branch,
  withCallees: boolean,
  tracer: Tracer | undefined,
): Arrived {
  if (branch.kind !== "forward") return { branch };
  const { resources } = worldOf(mesh, node);
  const index = indexOf(resources);
  const cluster = index.clusters.get(branch.cluster);
  if (cluster === undefined) {
    tracer?.add("cluster", branch.cluster, false, `there is no cluster of this name: ${statusOfMissing(branch)}`);
    return { branch, missing: true };
  }
  const assignment =
    cluster.loadAssignment ?? index.endpoints.get(cluster.edsClusterConfig?.serviceName || branch.cluster);
  const endpoints = endpointsOfCluster(cluster, assignment);
  const many =
    endpoints.length === 0
      ? "has no endpoint that is known"
      : `has ${endpoints.length} endpoint${endpoints.length > 1 ? "s" : ""}`;
  tracer?.add(
    "cluster",
    branch.cluster,
    true,
    cluster.type === "ORIGINAL_DST" ? "goes to where the client dialled" : many,
    cluster,
  );
  if (assignment && endpoints.length > 0)
    tracer?.add("endpoints", branch.cluster, true, endpointWords(endpoints), assignment);
  for (const mirror of branch.mirrors) {
    const copied = index.clusters.get(mirror.cluster);
    const reason = copied
      ? `gets copies of ${percent(mirror.share)} of the requests`
      : "there is no cluster of this name";
    tracer?.add("mirror", mirror.cluster, copied !== undefined, reason, copied);
    const copies = index.endpoints.get(copied?.edsClusterConfig?.serviceName || mirror.cluster);
    if (copied && copies)
      tracer?.add("mirror endpoints", mirror.cluster, true, endpointWords(endpointsOfCluster(copied, copies)), copies);
  }
  const manager = managerOf(resources.listeners, evaluation);
  const departure = { mesh, node, locate, request, cluster, endpoints, manager };
  const refusals: readonly Refusal[] = withCallees ? refusalsAt(departure, branch, tracer) : [];
  return { branch, cluster, endpoints, transport: departureTransport(departure), refusals };
}

function endpointWords(endpoints: readonly EndpointShare[]): string {
  const shown = endpoints.slice(0, 5).map(({ address, share }) => `${address} ${percent(share)}`);
  return `${shown.join(", ")}${endpoints.length > 5 ? `, and ${endpoints.length - 5} more` : ""}`;
}

/** The connection manager that the request went through, for what it changes on the way out. */
function managerOf(
  listeners: readonly Listener[],
  { listener, filterChain }: Evaluation,
): HttpConnectionManager | undefined {
  const found = listeners.find(({ name }) => name === listener);
  const chains = [...(found?.filterChains ?? []), ...(found?.defaultFilterChain ? [found.defaultFilterChain] : [])];
  const chain = chains.find(({ name }) => (name ?? "") === filterChain);
  return chain && compileChain(chain).manager;
}

/** Filter chains that lost say little once one of them has won; the text leaves them out, unless only the default is left. */
function telling(trace: Answer["trace"]): Answer["trace"] {
  const chains = trace.filter(({ step }) => step.endsWith("filter chain"));
  const won = new Set(
    chains.filter(({ matched, reason }) => matched && reason === "matches best").map(({ step }) => step),
  );
  return trace.filter(({ step, matched }) => matched || !won.has(step));
}

function headline({ from, request }: Question, answer: ReturnType<typeof summarise>): string {
  const who = typeof from === "string" ? from : from.name;
  const where = answer.destinations.map(({ service, subset, port, cluster, share, denied }) => {
    const name = service ? `${service}:${port}${subset ? ` subset ${subset}` : ""}` : cluster;
    const refused = denied ? ` (${percent(denied.share)} denied there by ${denied.policy ?? denied.by})` : "";
    return `${percent(share)} to ${name}${refused}`;
  });
  const own = answer.response
    ? [
        `${percent(answer.response.share)} answered ${answer.response.status} by ${answer.response.by}${leading(answer.response)}`,
      ]
    : [];
  return `${request.method ?? ""} ${request.url} from ${who}: ${answer.outcome}${where.length + own.length > 0 ? `, ${[...where, ...own].join(", ")}` : ""}`.trim();
}

const percent = (share: number) => `${Number((share * 100).toPrecision(6))} %`;

const leading = ({ headers }: Response) => (headers?.location === undefined ? "" : `, to ${headers.location}`);
