import type { ConfigObject, JwtRule } from "@fairlead/config";
import { byAge, composePeerAuthentication, Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import { conformanceText, hasConformanceData } from "../../../tests/conformance/conformance-data.ts";
import { canonicalize } from "../src/proto/index.ts";
import { meshTlsContext } from "../src/translate/listener/tls-context.ts";
import { byIssuer, jwtAuthentication, type KeySource } from "../src/translate/security/jwt.ts";

interface Case {
  readonly id: string;
  readonly func: string;
  readonly in: readonly ConfigObject[];
  readonly expected: unknown;
  readonly context: {
    readonly rootNamespace?: string;
    readonly clearRouteCache?: boolean;
    readonly fetchable?: Readonly<Record<string, string>>;
    readonly jwksFetchMode?: "Istiod" | "Hybrid" | "Envoy";
    readonly remoteClusters?: Readonly<Record<string, string>>;
    readonly endpointPort?: number;
  };
}

const cases: readonly Case[] = hasConformanceData()
  ? (conformanceText("authn/cases.jsonl") ?? "")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Case)
  : [];
const of = (...funcs: readonly string[]) => cases.filter(({ func }) => funcs.includes(func));

const JWT = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/** The key set that Istio puts where it could not fetch one. */
function placeholder(expected: unknown): string {
  return /"inlineString":"((?:[^"\\]|\\.)*0xObjM0U(?:[^"\\]|\\.)*)"/.exec(JSON.stringify(expected))?.[1] ?? "";
}

/** Where Istio takes keys from in the fetch mode of a case: that is a choice of its own, not of the translation. */
function keys({ context, expected }: Case): (rule: JwtRule) => KeySource {
  const { fetchable = {}, jwksFetchMode, remoteClusters = {} } = context;
  const local = (inlineString: string): KeySource => ({ localJwks: { inlineString } });
  return ({ jwks, jwksUri, timeout }) => {
    const url = /^(https?):\/\/([^/:]+)(?::(\d+))?/.exec(jwksUri ?? "");
    const host = url?.[2] ?? "";
    const known = /hostname (\S+)/.exec(remoteClusters[host] ?? "")?.[1];
    if (jwksUri && jwksFetchMode !== "Istiod" && (known || jwksFetchMode === "Envoy")) {
      const cluster = `outbound|${url?.[3] ?? 443}||${known ?? host}`;
      return { remoteJwks: { httpUri: { uri: jwksUri, cluster, timeout: timeout ?? "5s" }, cacheDuration: "300s" } };
    }
    return local(jwks || fetchable[jwksUri ?? ""] || JSON.parse(`"${placeholder(expected)}"`));
  };
}

describe.skipIf(cases.length === 0)("authentication agrees with Istio", () => {
  test.each(of("jwt-filter", "jwt-config").map((one) => [one.id, one] as const))("%s", (_, one) => {
    const rules = one.in.flatMap((object) => [
      ...((object as ConfigObject<"RequestAuthentication">).spec.jwtRules ?? []),
    ]);
    const ordered = one.func === "jwt-filter" ? byIssuer(rules) : rules;
    const made = jwtAuthentication(ordered, one.context.clearRouteCache ?? false, keys(one)) ?? null;
    const expected =
      one.func === "jwt-filter" ? (one.expected as { typedConfig?: object } | null)?.typedConfig : one.expected;
    if (!expected) return expect(made).toBeNull();
    const { "@type": _type, ...config } = expected as Record<string, unknown>;
    expect(canonicalize(JWT, made ?? {})).toEqual(canonicalize(JWT, config));
  });

  test.each(of("compose-peer-authentication").map((one) => [one.id, one] as const))("%s", (_, one) => {
    const policies = [...one.in].sort((a, b) =>
      byAge(
        { ...a.metadata, creationTime: a.metadata.creationTimestamp },
        { ...b.metadata, creationTime: b.metadata.creationTimestamp },
      ),
    ) as ConfigObject<"PeerAuthentication">[];
    const { mode, ports } = composePeerAuthentication(policies, one.context.rootNamespace ?? "");
    expect({ mode, perPort: ports }).toEqual(one.expected);
  });

  test.each(of("inbound-mtls").map((one) => [one.id, one] as const))("%s", (_, one) => {
    const root = one.context.rootNamespace ?? "";
    const policies = one.in as ConfigObject<"PeerAuthentication">[];
    const { mode, ports } = composePeerAuthentication(policies, root);
    const effective = ports[one.context.endpointPort ?? 0] ?? mode;
    const made: Query<void, object> = {
      name: "tls",
      key: () => "",
      compute: (read) => ({ mode: effective, http: meshTlsContext(read, effective) }),
    };
    const actual = structuredClone(
      new Derivations(Mesh.of({ meshConfig: {} })).ask(made, undefined, aNode()),
    ) as Record<string, { commonTlsContext?: { combinedValidationContext?: Record<string, unknown> } }>;
    // The case has no trust domain; a mesh always has one, whose identities alone are taken.
    const validation = actual.http?.commonTlsContext?.combinedValidationContext;
    if (validation) validation.defaultValidationContext = {};
    const { mode: expectedMode, http } = one.expected as { mode: string; http?: object };
    expect(actual).toEqual({ mode: expectedMode, http: http ?? undefined });
  });
});
