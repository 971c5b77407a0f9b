import { parseClusterName } from "@fairlead/xds/translate";
import type { Answer, Destination, Outcome, Response, Rewrites, RoutePolicy } from "./answer.ts";
import type { EndpointShare } from "./cluster/endpoints.ts";
import type { Transport } from "./cluster/transport.ts";
import type { Cluster } from "./envoy.ts";
import type { Branch, Forward } from "./evaluation.ts";
import type { Refusal } from "./mesh/arrival.ts";
import { tidy } from "./route/random.ts";

/** A branch at its end. */
export interface Arrived {
  readonly branch: Branch;
  /** The cluster it names does not exist. */
  readonly missing?: boolean;
  readonly cluster?: Cluster;
  readonly endpoints?: readonly EndpointShare[];
  readonly transport?: Transport;
  readonly refusals?: readonly Refusal[];
}

const MISSING: Readonly<Record<string, number>> = { NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 };

/** What requests to a cluster that does not exist are answered with. Source: envoy RouteAction, `cluster_not_found_response_code`. */
export function statusOfMissing({ action }: Forward): number {
  return MISSING[action?.clusterNotFoundResponseCode ?? ""] ?? 503;
}

type Summary = Omit<Answer, "settings" | "passed" | "trace" | "explain">;

/** Puts the branches of an evaluation together. */
export function summarise(arrived: readonly Arrived[]): Summary {
  const weights = new Map<Outcome, number>();
  const responses: Response[] = [];
  const destinations = new Map<string, Destination>();
  const weigh = (outcome: Outcome, share: number) => weights.set(outcome, (weights.get(outcome) ?? 0) + share);
  for (const one of arrived) {
    const { branch } = one;
    if (branch.kind === "closed") weigh(branch.failure === "denied" ? "denied" : "unroutable", branch.share);
    else if (branch.kind === "reply") {
      weigh(branch.failure ? "unroutable" : outcomeOf(branch.reply.by), branch.share);
      responses.push({ ...branch.reply, share: tidy(branch.share) });
    } else if (one.missing || isDeadEnd(one)) {
      weigh("unroutable", branch.share);
      responses.push({
        status: one.missing ? statusOfMissing(branch) : 503,
        by: one.missing ? "a cluster that does not exist" : "a cluster without endpoints",
        share: tidy(branch.share),
      });
    } else {
      const refused = Math.min(
        1,
        (one.refusals ?? []).reduce((sum, { share }) => sum + share, 0),
      );
      for (const { by, share } of one.refusals ?? [])
        weigh(by === "protocol-error" ? "unroutable" : "denied", branch.share * Math.min(share, refused));
      weigh("routed", branch.share * (1 - refused));
      const destination = destinationOf(one, branch, refused);
      const present = destinations.get(destination.cluster);
      destinations.set(
        destination.cluster,
        present ? { ...destination, share: tidy(present.share + destination.share) } : destination,
      );
      for (const { reply, share } of one.refusals ?? [])
        if (reply) responses.push({ ...reply, share: tidy(branch.share * share) });
    }
  }
  const response = [...responses].sort((a, b) => b.share - a.share)[0];
  const main = arrived
    .map(({ branch }) => branch)
    .filter((branch): branch is Forward => branch.kind === "forward")
    .sort((a, b) => b.share - a.share)[0];
  return {
    outcome: heaviest(weights),
    destinations: [...destinations.values()],
    ...(response && { response }),
    rewrites: main ? rewritesOf(main) : {},
    policy: main ? policyOf(main) : {},
  };
}

const ORDER: readonly Outcome[] = ["routed", "denied", "responded", "redirected", "unroutable"];

function heaviest(weights: ReadonlyMap<Outcome, number>): Outcome {
  let best: Outcome = "unroutable";
  for (const outcome of ORDER) if ((weights.get(outcome) ?? 0) > (weights.get(best) ?? 0)) best = outcome;
  return best;
}

function outcomeOf(by: string): Outcome {
  if (by === "redirect" || by === "tls required") return "redirected";
  return by === "rbac" || by === "jwt" ? "denied" : "responded";
}

/** Clusters that are made to hold no endpoint, as Istio's `BlackHoleCluster`. */
function isDeadEnd({ cluster, endpoints }: Arrived): boolean {
  return cluster?.type === "STATIC" && (endpoints?.length ?? 0) === 0;
}

function destinationOf(
  { endpoints = [], transport, refusals = [] }: Arrived,
  branch: Forward,
  refused: number,
): Destination {
  const name = parseClusterName(branch.cluster);
  const [first] = refusals;
  return {
    service: name?.host ?? "",
    subset: name?.subset ?? "",
    port: name?.port ?? 0,
    cluster: branch.cluster,
    share: tidy(branch.share),
    tls: transport?.tls ? (transport.presentsCertificate ? "mutual" : "simple") : "none",
    endpoints: endpoints.map(({ address, locality, priority, health, share }) => ({
      address,
      locality,
      priority,
      health,
      share: tidy(share),
    })),
    ...(first &&
      refused > 0 && {
        denied: { share: tidy(refused), by: first.by, ...(first.policy !== undefined && { policy: first.policy }) },
      }),
  };
}

function rewritesOf({ path, authority, requestHeaders, responseHeaders }: Forward): Rewrites {
  return {
    ...(path !== undefined && { path }),
    ...(authority !== undefined && { host: authority }),
    ...(requestHeaders.length > 0 && { requestHeaders }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
  };
}

function policyOf({ timeout, retries, retryOn = "", mirrors, delays }: Forward): RoutePolicy {
  return {
    ...(timeout !== undefined && { timeout }),
    ...(retries !== undefined && retries > 0 && { retries: { attempts: retries, on: retryOn } }),
    ...(mirrors.length > 0 && {
      mirrors: mirrors.map(({ cluster, share }) => {
        const name = parseClusterName(cluster);
        return { service: name?.host ?? "", subset: name?.subset ?? "", cluster, share };
      }),
    }),
    ...(delays.length > 0 && { delays }),
  };
}
