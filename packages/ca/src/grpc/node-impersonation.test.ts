import { workloadSpiffeId } from "@fairlead/model";
import { expect, test } from "vitest";
import type { Caller } from "./authenticator.ts";
import { nodeImpersonation, type PodFacts } from "./node-impersonation.ts";

const ztunnel: PodFacts = {
  namespace: "istio-system",
  name: "ztunnel-1",
  uid: "u1",
  serviceAccount: "ztunnel",
  node: "node-a",
  phase: "Running",
};
const app: PodFacts = {
  namespace: "default",
  name: "reviews-1",
  uid: "u2",
  serviceAccount: "reviews",
  node: "node-a",
  phase: "Pending",
};
const agent: Caller = {
  authenticator: "token-review",
  identity: workloadSpiffeId("cluster.local", "istio-system", "ztunnel"),
  attributes: { podName: "ztunnel-1", podUid: "u1" },
};
const reviews = workloadSpiffeId("cluster.local", "default", "reviews");
const ask = (pods: readonly PodFacts[], caller: Caller = agent, wanted = reviews) =>
  nodeImpersonation({
    trustedAccounts: ["istio-system/ztunnel"],
    pods: (by) =>
      by.attributes?.clusterId === undefined
        ? {
            get: (namespace, name) => pods.find((pod) => pod.namespace === namespace && pod.name === name),
            onNode: (node) => pods.filter((pod) => pod.node === node),
          }
        : undefined,
  })(caller, wanted);

test("a workload of the agent's own node", () => {
  expect(ask([ztunnel, app])).toBeUndefined();
  expect(
    ask([ztunnel, { ...app, phase: "Succeeded" }, { ...app, name: "reviews-2", phase: "Running" }]),
  ).toBeUndefined();
});

test.each<[string, string, () => unknown]>([
  ["a caller who is not trusted", "not the agent", () => ask([ztunnel, app], { ...agent, identity: reviews })],
  ["a caller whose token names no pod", "names no pod", () => ask([ztunnel, app], { ...agent, attributes: {} })],
  ["a pod that is gone", "does not exist", () => ask([app])],
  ["a pod that was made anew", "another one", () => ask([{ ...ztunnel, uid: "u9" }, app])],
  ["a pod with another account", "another account", () => ask([{ ...ztunnel, serviceAccount: "default" }, app])],
  ["a pod that has ended", "runs nowhere", () => ask([{ ...ztunnel, phase: "Succeeded" }, app])],
  [
    "a pod without node",
    "runs nowhere",
    () =>
      ask([
        { ...ztunnel, node: "" },
        { ...app, node: "" },
      ]),
  ],
  ["a workload of another node", "runs on node-a", () => ask([ztunnel, { ...app, node: "node-b" }])],
  ["a workload that has ended", "runs on node-a", () => ask([ztunnel, { ...app, phase: "Succeeded" }])],
  ["a workload of another namespace", "runs on node-a", () => ask([ztunnel, { ...app, namespace: "other" }])],
  [
    "another cluster",
    "cluster is not known",
    () => ask([ztunnel, app], { ...agent, attributes: { ...agent.attributes, clusterId: "x" } }),
  ],
  [
    "an identity of another form",
    "form",
    () => ask([ztunnel, app], agent, { ...reviews, path: "/x", uri: "spiffe://cluster.local/x" }),
  ],
])("row 42: %s", (_what, why, run) => {
  expect(run).toThrow(why);
  expect(run).toThrow("IMPERSONATION_DENIED");
});
