import type { AuthorizationPolicy, AuthorizationRule, ConfigObject } from "@fairlead/config";
import type { Mesh } from "@fairlead/mesh";
import { formatObject, matchesLabels, type ObjectRef, type Position } from "@fairlead/model";
import { positionsOf } from "../mesh/positions.ts";
import type { Door } from "./door.ts";
import type { Way } from "./reach.ts";
import { ruleCovers } from "./rule-cover.ts";

/**
 * What is odd about the policies of a mesh. `unused`: it selects nobody; `shadowed`: another policy allows or denies the same
 * already; `contradicted`: what it allows is denied; `plaintext`: a port takes connections without mutual TLS; `exposed`: a gateway lets
 * requests from outside in to it.
 */
export interface PolicyFinding {
  readonly kind: "unused" | "shadowed" | "contradicted" | "plaintext" | "exposed";
  readonly message: string;
  /** `AuthorizationPolicy b/stock`, or the service. */
  readonly subject: string;
  /** `spec.rules[0]`; empty for the whole. */
  readonly path: string;
  readonly position?: Position;
}

type Policy = ConfigObject<"AuthorizationPolicy">;

export function policyFindings(mesh: Mesh, ways: readonly Way[], doors: readonly Door[]): readonly PolicyFinding[] {
  const name = ({ metadata }: Policy) => `${metadata.namespace}/${metadata.name}`;
  const policies = [...mesh.objects("AuthorizationPolicy")]
    .filter(({ spec }) => !spec.targetRef && !spec.targetRefs)
    .sort((a, b) => (name(a) < name(b) ? -1 : 1));
  return [
    ...policies
      .filter((policy) => !isUsed(mesh, policy))
      .map((policy) => finding(mesh, "unused", policy, "spec.selector", "it selects no workload")),
    ...policies.flatMap((policy) =>
      (policy.spec.rules ?? []).flatMap((rule, index) => ruleFinding(mesh, policies, policy, rule, index)),
    ),
    ...plaintextHoles(ways, doors),
  ];
}

const refOf = ({ metadata: { namespace, name } }: Policy): ObjectRef => ({
  kind: "AuthorizationPolicy",
  namespace,
  name,
});

function finding(
  mesh: Mesh,
  kind: PolicyFinding["kind"],
  policy: Policy,
  path: string,
  message: string,
): PolicyFinding {
  const ref = refOf(policy);
  const locate = positionsOf(mesh);
  const position = locate?.(ref, path) ?? locate?.(ref, "");
  return { kind, message, subject: formatObject(ref), path, ...(position && { position }) };
}

const rootOf = (mesh: Mesh) => mesh.meshConfig.rootNamespace || "istio-system";
const labelsOf = ({ selector }: AuthorizationPolicy) => selector?.matchLabels ?? {};

function isUsed(mesh: Mesh, { metadata: { namespace }, spec }: Policy): boolean {
  const workloads = namespace === rootOf(mesh) ? mesh.workloads() : (mesh.bucket("workloads", namespace) ?? []);
  for (const { labels } of workloads) if (matchesLabels(labelsOf(spec), labels)) return true;
  return false;
}

/** Whether a policy holds wherever the other does. */
function isWider(mesh: Mesh, wide: Policy, narrow: Policy): boolean {
  const { namespace } = wide.metadata;
  return (
    (namespace === narrow.metadata.namespace || namespace === rootOf(mesh)) &&
    matchesLabels(labelsOf(wide.spec), labelsOf(narrow.spec))
  );
}

const actionOf = ({ spec: { action = "ALLOW" } }: Policy) => action;

function ruleFinding(
  mesh: Mesh,
  policies: readonly Policy[],
  policy: Policy,
  rule: AuthorizationRule,
  index: number,
): readonly PolicyFinding[] {
  const action = actionOf(policy);
  if (action !== "ALLOW" && action !== "DENY") return [];
  const path = `spec.rules[${index}]`;
  // That it is denied matters more than that it is said twice.
  const opponents = [...policies].sort((a, b) => Number(actionOf(a) === action) - Number(actionOf(b) === action));
  for (const other of opponents) {
    const same = actionOf(other) === action;
    if ((!same && !(action === "ALLOW" && actionOf(other) === "DENY")) || !isWider(mesh, other, policy)) continue;
    for (const [at, covering] of (other.spec.rules ?? []).entries()) {
      const itself = other === policy && at === index;
      // Of two that cover each other the first stays.
      const twin = same && ruleCovers(rule, covering) && isWider(mesh, policy, other);
      const first = policies.indexOf(policy) - policies.indexOf(other) || index - at;
      if (itself || !ruleCovers(covering, rule) || (twin && first < 0)) continue;
      const where = `${formatObject(refOf(other))} spec.rules[${at}]`;
      return [
        same
          ? finding(
              mesh,
              "shadowed",
              policy,
              path,
              `${where} ${action === "ALLOW" ? "allows" : "denies"} all of this already`,
            )
          : finding(mesh, "contradicted", policy, path, `${where} denies all that this allows`),
      ];
    }
  }
  return [];
}

function plaintextHoles(ways: readonly Way[], doors: readonly Door[]): readonly PolicyFinding[] {
  const open = new Set(
    ways
      .filter(({ transport, verdict }) => transport === "plaintext" && verdict === "reaches")
      .map(({ to }) => `${to.service}:${to.port}`),
  );
  const guarded = doors.filter(
    ({ state, transport, entry }) => state === "guarded" && transport === "plaintext" && entry === "inbound",
  );
  const names = new Set(guarded.map(({ service, servicePort }) => `${service.hostname}:${servicePort}`));
  return [...names]
    .filter((name) => open.has(name))
    .map((subject) => ({
      kind: "plaintext",
      subject,
      path: "",
      message:
        "takes requests without mutual TLS, from anybody (PERMISSIVE): rules that deny by identity do not see them",
    }));
}
