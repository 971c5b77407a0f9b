import { parseWorkloadPath } from "@fairlead/model";
import { CaError } from "../error.ts";
import type { Caller } from "./authenticator.ts";
import type { ImpersonationRule } from "./service.ts";

/** What is known of a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly node: string;
  /** Kubernetes' pod phase: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`. */
  readonly phase: string;
}

export interface NodeImpersonationOptions {
  /** Service accounts of node agents, `NAMESPACE/NAME` (Istio's `CA_TRUSTED_NODE_ACCOUNTS`). */
  readonly trustedAccounts: readonly string[];
  /** The pods of the caller's cluster now, by `clusterid` of the call's attributes where there are several; undefined: no such cluster. */
  readonly pods: (
    caller: Caller,
  ) =>
    | { get(namespace: string, name: string): PodFacts | undefined; onNode(node: string): Iterable<PodFacts> }
    | undefined;
}

const OVER: ReadonlySet<string> = new Set(["Succeeded", "Failed"]);

/**
 * Lets the agent of a node, such as ztunnel, have certificates for the workloads of its own node: the caller's account is
 * one of the trusted, its token names a pod that exists with that UID, account and a node, and a pod with the wanted
 * identity that has not ended runs on that node. Needs an authenticator that finds out pod name and UID
 * (`tokenReview`).
 */
export function nodeImpersonation(options: NodeImpersonationOptions): ImpersonationRule {
  const trusted = new Set(options.trustedAccounts);
  const deny = (why: string) => new CaError("IMPERSONATION_DENIED", why);
  return (caller, identity) => {
    const agent = parseWorkloadPath(caller.identity);
    if (agent === undefined || !trusted.has(`${agent.namespace}/${agent.serviceAccount}`))
      throw deny("the caller is not the agent of a node");
    const wanted = parseWorkloadPath(identity);
    if (wanted === undefined) throw deny("the wanted identity is not of the form /ns/NAMESPACE/sa/ACCOUNT");
    const { podName, podUid } = caller.attributes ?? {};
    if (podName === undefined || podUid === undefined) throw deny("the caller's token names no pod");
    const pods = options.pods(caller);
    if (pods === undefined) throw deny("the caller's cluster is not known");
    const pod = pods.get(agent.namespace, podName);
    if (pod === undefined) throw deny(`the caller's pod ${podName} does not exist`);
    if (pod.uid !== podUid) throw deny(`the caller's pod ${podName} is another one now`);
    if (pod.serviceAccount !== agent.serviceAccount) throw deny(`the caller's pod ${podName} has another account`);
    if (pod.node === "" || OVER.has(pod.phase)) throw deny(`the caller's pod ${podName} runs nowhere`);
    for (const other of pods.onNode(pod.node))
      if (
        other.node === pod.node &&
        other.namespace === wanted.namespace &&
        other.serviceAccount === wanted.serviceAccount &&
        !OVER.has(other.phase)
      )
        return;
    throw deny(`no pod of ${identity.uri} runs on ${pod.node}`);
  };
}
