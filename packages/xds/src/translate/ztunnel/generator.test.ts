import type { ConfigObject, SpecOf } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject } from "@fairlead/mesh/testing";
import { describe, expect, it } from "vitest";
import type { ZtunnelAuthorization } from "../../proto/types.ts";
import { translate } from "../translate.ts";

const ztunnel = { ...aNode("ztunnel-1.istio-system"), type: "ztunnel" as const };

function madeOf(...config: ConfigObject[]) {
  const { authorizations, diagnostics } = translate(Mesh.of({ meshConfig: {}, config }), ztunnel);
  return {
    byName: new Map(authorizations.map(({ name, resource }) => [name, resource as ZtunnelAuthorization])),
    told: diagnostics
      .filter(({ code }) => code === "ztunnel-unsupported")
      .map(({ path, message }) => `${path}: ${message}`),
  };
}

const policy = (spec: SpecOf<"AuthorizationPolicy">, metadata: Partial<ConfigObject["metadata"]> = {}) =>
  anObject("AuthorizationPolicy", "p", spec, metadata);
const peer = (name: string, spec: SpecOf<"PeerAuthentication">, namespace = "default") =>
  anObject("PeerAuthentication", name, spec, { namespace });

describe("authorizations of ztunnel", () => {
  it("are sent to no other proxy", () => {
    const mesh = Mesh.of({ meshConfig: {}, config: [policy({})] });
    expect(translate(mesh, aNode()).authorizations).toEqual([]);
    expect(translate(mesh, ztunnel).authorizations).toHaveLength(1);
  });

  it.each([
    ["GLOBAL", { namespace: "istio-system" }, {}],
    ["NAMESPACE", {}, {}],
    ["WORKLOAD_SELECTOR", { namespace: "istio-system" }, { selector: { matchLabels: { app: "a" } } }],
  ] as const)("have the scope %s", (scope, metadata, spec) => {
    const [made] = madeOf(policy(spec, metadata)).byName.values();
    expect(made?.scope ?? "GLOBAL").toBe(scope);
  });

  it("ask what connections tell", () => {
    const { byName, told } = madeOf(
      policy({
        rules: [
          { when: [{ key: "source.serviceAccount", values: ["other/a", "b"] }] },
          { from: [{ source: { ipBlocks: ["2001:db8::/32", "0.0.0.0/0"] } }] },
          {},
        ],
      }),
    );
    expect(told).toEqual([]);
    expect(byName.get("default/p")?.groups).toEqual([
      {
        rules: [
          {
            matches: [
              {
                serviceAccounts: [
                  { namespace: "other", serviceAccount: "a" },
                  { namespace: "default", serviceAccount: "b" },
                ],
              },
            ],
          },
        ],
      },
      {
        rules: [
          { matches: [{ sourceIps: [{ address: "IAENuAAAAAAAAAAAAAAAAA==", length: 32 }, { address: "AAAAAA==" }] }] },
        ],
      },
      {},
    ]);
  });

  it("leave out what allows by a request, and a restriction that ztunnel does not know", () => {
    const { byName, told } = madeOf(
      policy({
        rules: [
          { to: [{ operation: { ports: ["80"], methods: ["GET"] } }] },
          { from: [{ source: { namespaces: ["a"], notTrustDomains: ["foreign"] } }] },
          { when: [{ key: "request.headers[x]", values: ["1"], notValues: ["2"] }] },
        ],
      }),
    );
    expect(byName.get("default/p")).toEqual({ name: "p", namespace: "default", scope: "NAMESPACE" });
    expect(told).toEqual([
      "spec.rules[0]: ztunnel does not see methods (a waypoint does): the rule allows nothing there",
      "spec.rules[1]: ztunnel does not see notTrustDomains (a waypoint does): the rule allows nothing there",
      "spec.rules[2]: ztunnel does not see request.headers[x] (a waypoint does): the rule allows nothing there",
    ]);
  });

  it.each([
    [
      { operation: { ports: ["80"], hosts: ["a"] } },
      "the rule denies without asking for that, which is more than was asked for",
    ],
    [{ operation: { hosts: ["a"] } }, "nothing of the rule is left, and it denies nothing there"],
  ])("deny without what they cannot ask: %j", (to, consequence) => {
    expect(madeOf(policy({ action: "DENY", rules: [{ to: [to] }] })).told).toEqual([
      `spec.rules[0]: ztunnel does not see hosts (a waypoint does): ${consequence}`,
    ]);
  });

  it.each([
    ["spec.action", policy({ action: "AUDIT" })],
    ["spec.action", policy({ action: "CUSTOM", provider: { name: "x" } })],
    ["metadata.annotations", policy({}, { annotations: { "istio.io/dry-run": "true" } })],
  ])("are not made of what ztunnel does not do (%s)", (path, object) => {
    const { byName, told } = madeOf(object);
    expect(byName.size).toBe(0);
    expect(told).toEqual([expect.stringContaining(`${path}: ztunnel does not`)]);
  });

  it("are not made of policies of waypoints, which is nothing to tell", () => {
    const made = madeOf(policy({ targetRefs: [{ group: "", kind: "Service", name: "a" }] }));
    expect(made).toEqual({ byName: new Map(), told: [] });
  });
});

describe("PeerAuthentications for ztunnel", () => {
  const strictHere = [{ matches: [{ notPrincipals: [{ presence: {} }] }] }];
  const selected = { selector: { matchLabels: { app: "a" } } };

  it("make one policy for all strict workloads", () => {
    const { byName } = madeOf(peer("any", { mtls: { mode: "PERMISSIVE" } }));
    expect([...byName]).toEqual([
      [
        "istio-system/istio_converted_static_strict",
        {
          name: "istio_converted_static_strict",
          namespace: "istio-system",
          scope: "WORKLOAD_SELECTOR",
          action: "DENY",
          groups: [{ rules: strictHere }],
        },
      ],
    ]);
  });

  // Istio makes nothing of this case, and nothing is strict then. The mesh says otherwise.
  it("inherit from the mesh through a namespace that says nothing", () => {
    const { byName } = madeOf(
      peer("mesh", { mtls: { mode: "STRICT" } }, "istio-system"),
      peer("namespace", { mtls: { mode: "UNSET" } }),
      peer("w", { ...selected, portLevelMtls: { 8080: { mode: "DISABLE" } } }),
    );
    expect(byName.get("default/converted_peer_authentication_w")?.groups).toEqual([
      { rules: [{ matches: [{ notDestinationPorts: [8080] }] }, ...strictHere] },
    ]);
  });

  it("of the root namespace, without selector or without ports make none", () => {
    const ports = { portLevelMtls: { 8080: { mode: "STRICT" as const } } };
    const { byName } = madeOf(
      peer("a", { ...selected, ...ports }, "istio-system"),
      peer("b", ports),
      peer("c", { ...selected, mtls: { mode: "STRICT" } }),
    );
    expect([...byName.keys()]).toEqual(["istio-system/istio_converted_static_strict"]);
  });
});
