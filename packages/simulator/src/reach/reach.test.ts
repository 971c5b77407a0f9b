import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import { meshFromYaml } from "../mesh/from-yaml.ts";
import { reach } from "./reach.ts";

const pod = (name: string, namespace: string, address: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}-1, namespace: ${namespace}, labels: {app: ${name}}}
spec: {serviceAccountName: ${name}}
status: {podIP: ${address}}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {clusterIP: ${address.replace("10.2", "10.1")}, selector: {app: ${name}}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-sync, port: 9000}]}
---`;
const BASE = `${pod("shop", "a", "10.2.0.1")}${pod("stock", "b", "10.2.0.2")}${pod("admin", "c", "10.2.0.3")}`;
const STRICT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
`;
const policy = (name: string, spec: string, namespace = "b") => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {${spec}}
`;
const mesh = (...texts: string[]) => {
  const loaded = meshFromYaml([BASE, ...texts].map((text, index) => ({ file: `${index}.yaml`, text })));
  expect(loaded.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return loaded.mesh;
};

describe("nothing in a reaches b", () => {
  const deny = policy("closed", "action: DENY, rules: [{from: [{source: {namespaces: [a]}}]}]");

  test("is proved with mutual TLS and a policy", () => {
    const { isolated, ways } = reach(mesh(STRICT, deny), { from: "a", to: "b" });
    expect(isolated).toBe("proved");
    expect(ways.map(({ to, transport, because }) => [to.port, transport, because])).toEqual([
      [80, "mtls", "ns[b]-policy[closed]-rule[0] denies every request"],
      [80, "plaintext", "mutual TLS is required"],
      [9000, "mtls", "ns[b]-policy[closed]-rule[0] denies every request"],
      [9000, "plaintext", "mutual TLS is required"],
    ]);
  });

  test("PERMISSIVE leaves a hole", () => {
    const { isolated, counterExample, findings } = reach(mesh(deny), { from: "a", to: "b" });
    expect(isolated).toBe("refuted");
    expect(counterExample).toMatchObject({ transport: "plaintext", to: { service: "stock.b.svc.cluster.local" } });
    expect(findings.map(({ kind, subject }) => [kind, subject])).toContainEqual([
      "plaintext",
      "stock.b.svc.cluster.local:80",
    ]);
  });

  test("what one path lets through is found, and checked by evaluate", () => {
    const open = policy(
      "open",
      "action: ALLOW, rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [PUT], paths: [/health*]}}]}]",
    );
    const given = mesh(STRICT, open);
    const { isolated, counterExample } = reach(given, { from: "a", to: "stock.b" });
    expect(isolated).toBe("refuted");
    const [witness] = counterExample?.witnesses ?? [];
    expect(witness?.request).toMatchObject({ method: "PUT", url: expect.stringContaining("/health") });
    expect(witness?.policy).toBe("ns[b]-policy[open]-rule[0]");
    expect(witness?.question && evaluate(given, witness.question).outcome).toBe("routed");
    expect(reach(given, { from: "c", to: "b" }).isolated).toBe("proved");
  });

  test("a deny with an exception is no denial", () => {
    const given = mesh(STRICT, policy("most", "action: DENY, rules: [{to: [{operation: {notPaths: [/ping]}}]}]"));
    const way = reach(given, { from: "a", to: "b" }).ways.find(
      ({ to, transport }) => to.port === 80 && transport === "mtls",
    );
    expect(way?.verdict).toBe("reaches");
    expect(way?.witnesses[0]?.request.url).toMatch(/\/ping$/);
  });

  test("what a token alone opens is reached with one", () => {
    const jwt = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: jwt, namespace: b}
spec: {jwtRules: [{issuer: me, jwks: '{"keys":[]}'}]}
`;
    const given = mesh(
      STRICT,
      jwt,
      policy("token", 'rules: [{when: [{key: "request.auth.claims[group]", values: [ops]}]}]'),
    );
    const way = reach(given, { from: "a", to: "b" }).ways[0];
    expect(way).toMatchObject({ verdict: "reaches", witnesses: [{ request: { claims: { group: "ops" } } }] });
  });
});

test("who may call whom, by identity", () => {
  const given = mesh(
    STRICT,
    policy("shop-only", 'rules: [{from: [{source: {principals: ["cluster.local/ns/a/sa/shop"]}}]}]'),
  );
  const { ways } = reach(given, { to: "stock.b" });
  const open = ways
    .filter(({ verdict }) => verdict === "reaches")
    .map(({ from, to }) => [from.serviceAccount, to.port]);
  expect(open).toEqual([
    ["shop", 80],
    ["shop", 9000],
  ]);
});

test("policies that do nothing, or against each other", () => {
  const given = mesh(
    STRICT,
    policy("wide", "rules: [{from: [{source: {namespaces: [a, c]}}]}]"),
    policy("narrow", "rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [GET]}}]}]"),
    policy("never", "action: DENY, rules: [{from: [{source: {namespaces: ['c*']}}]}]"),
    policy("admin", "rules: [{from: [{source: {namespaces: [c]}}], to: [{operation: {paths: [/x]}}]}]"),
    policy("nobody", "selector: {matchLabels: {app: gone}}, rules: [{}]"),
  );
  const found = reach(given).findings.map(({ kind, subject, path, position }) => [kind, subject, path, position?.file]);
  expect(found).toEqual([
    ["unused", "AuthorizationPolicy b/nobody", "spec.selector", "6.yaml"],
    ["contradicted", "AuthorizationPolicy b/admin", "spec.rules[0]", "5.yaml"],
    ["shadowed", "AuthorizationPolicy b/narrow", "spec.rules[0]", "3.yaml"],
  ]);
});

test("names that are not there", () => {
  expect(() => reach(mesh(), { from: "d" })).toThrow(/no workload is in a namespace d; nearest of 3 known/);
  expect(() => reach(mesh(), { to: "stok.b" })).toThrow(/nearest of .*stock.b/);
});

describe("gateways", () => {
  const gateway = (policies: string) => `
apiVersion: v1
kind: Service
metadata: {name: gate, namespace: g}
spec: {selector: {app: gate}, ports: [{name: http, port: 80, targetPort: 8080}, {name: spare, port: 81}]}
---
apiVersion: v1
kind: Pod
metadata: {name: gate-1, namespace: g, labels: {app: gate}}
status: {podIP: 10.2.9.1}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gate, namespace: g}
spec: {selector: {app: gate}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: g}
spec: {hosts: [shop.example.com], gateways: [gate], http: [{match: [{uri: {exact: /buy}}], route: [{destination: {host: stock.b.svc.cluster.local, port: {number: 80}}}]}]}
---${policies}`;
  const refuse = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: g}
spec: {action: DENY, rules: [{}]}
`;

  test("are reached by what their policies let on, where they listen", () => {
    const { ways } = reach(mesh(gateway("")), { from: "a", to: "g" });
    expect(ways.map(({ to, transport, verdict }) => [to.port, transport, verdict])).toEqual([
      [80, "plaintext", "reaches"],
      [81, "plaintext", "denied"],
    ]);
  });

  test("that deny everything are proved to", () => {
    expect(reach(mesh(gateway(refuse)), { from: "a", to: "g" }).isolated).toBe("proved");
  });

  test("show who is reached from outside, and how", () => {
    const exposed = (...more: string[]) =>
      reach(mesh(...more), { to: "b" }).findings.filter(({ kind }) => kind === "exposed");
    expect(exposed(gateway(""))).toMatchObject([{ subject: "stock.b.svc.cluster.local:80" }]);
    expect(exposed(gateway(""))[0]?.message).toMatch(/gateway gate-1.g .*GET http:\/\/shop.example.com:\d+\/buy$/);
    expect(exposed(gateway(refuse))).toEqual([]);
    expect(
      exposed(gateway(""), policy("no-gate", "action: DENY, rules: [{from: [{source: {namespaces: [g]}}]}]")),
    ).toEqual([]);
  });
});
