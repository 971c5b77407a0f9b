import { expect, test } from "vitest";
import { type ReviewedToken, tokenReview } from "./token-review.ts";

const user = {
  username: "system:serviceaccount:default:reviews",
  groups: ["system:serviceaccounts", "system:serviceaccounts:default"],
  extra: {
    "authentication.kubernetes.io/pod-name": ["reviews-1"],
    "authentication.kubernetes.io/node-name": ["node-a"],
  },
};
const good: ReviewedToken = { authenticated: true, user, audiences: ["istio-ca"] };
const ask = async (answer: unknown, token: readonly string[] = ["Bearer abc"]) =>
  tokenReview({
    trustDomain: "cluster.local",
    review: async () => {
      if (answer instanceof Error) throw answer;
      return answer as ReviewedToken;
    },
  }).authenticate({ peer: "", certificate: undefined, metadata: () => token });

test("a service account that the API server vouches for", async () => {
  expect(await ask(good)).toMatchObject({
    identity: { uri: "spiffe://cluster.local/ns/default/sa/reviews" },
    attributes: { podName: "reviews-1", nodeName: "node-a" },
  });
  expect(await ask(good, [])).toBeUndefined();
});

test.each<[string, unknown]>([
  ["authenticated false", { authenticated: false, reason: "expired" }],
  ["authenticated false with a user", { ...good, authenticated: false, reason: "no" }],
  ["authenticated that is a text", { ...good, authenticated: "true" }],
  ["no group of service accounts", { ...good, user: { ...user, groups: ["system:authenticated"] } }],
  ["another audience", { ...good, audiences: ["vault"] }],
  ["no audience", { ...good, audiences: [] }],
  ["a user name of three parts", { ...good, user: { ...user, username: "system:serviceaccount:default" } }],
  ["a user name of five parts", { ...good, user: { ...user, username: "system:serviceaccount:a:b:c" } }],
  ["a person", { ...good, user: { ...user, username: "admin" } }],
  ["two pod names", { ...good, user: { ...user, extra: { "authentication.kubernetes.io/pod-name": ["a", "b"] } } }],
  ["an answer without user", { authenticated: true, audiences: ["istio-ca"] }],
  ["an API server that fails", new Error("503")],
])("row 41: %s", async (_what, answer) => {
  await expect(ask(answer)).rejects.toThrow();
});

test("an audience is needed", () => {
  expect(() => tokenReview({ trustDomain: "a", audiences: [], review: async () => good })).toThrow("OPTION_INVALID");
});
