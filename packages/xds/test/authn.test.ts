import type { ConfigObject } from "@fairlead/config";
import {
  byAge,
  composePeerAuthentication,
  Derivations,
  type JwksFetchMode,
  type KeySet,
  Mesh,
  type Query,
  wantedKeySets,
} from "@fairlead/mesh";
import { aNode, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import { conformanceText, hasConformanceData } from "../../../tests/conformance/conformance-data.ts";
import { canonicalize } from "../src/proto/index.ts";
import { meshTlsContext } from "../src/translate/listener/tls-context.ts";
import { byIssuer, jwtAuthentication, keySource, NO_KEYS } from "../src/translate/security/jwt.ts";

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

/**
 * What Istio puts where it could not fetch keys, and what it passes on although Envoy rejects the listener for it. We put
 * other keys that nobody has.
 */
const ISTIO_PLACEHOLDER = /0xObjM0U|^jwks-inline-data$/;

/** The mesh of a case: who fetches decides which keys its control plane has. */
function meshOf({ context, in: objects }: Case): Mesh {
  const { fetchable = {}, jwksFetchMode = "Istiod", remoteClusters = {} } = context;
  const services = Object.entries(remoteClusters).flatMap(([, words]) => {
    const [, namespace = "", hostname = ""] = /namespace "(.*)", service hostname (\S+)/.exec(words) ?? [];
    return hostname ? [aService(hostname, { namespace })] : [];
  });
  const mesh = Mesh.of({ meshConfig: {}, services, config: objects });
  const mode = { Istiod: "control-plane", Hybrid: "hybrid", Envoy: "proxy" }[jwksFetchMode] as JwksFetchMode;
  const keySets = wantedKeySets(mesh, mode).map(({ url }): readonly [string, KeySet] => {
    const keys = fetchable[url];
    return [url, keys === undefined ? { problem: "it is not there" } : { keys }];
  });
  return mesh.apply({ keySets: keySets.map(([key, value]) => ({ key, value, previous: undefined })) });
}

/** Ours in the place of Istio's placeholder. */
function withOurPlaceholder(expected: object): object {
  return JSON.parse(
    JSON.stringify(expected, (key, value: unknown) =>
      key === "inlineString" && ISTIO_PLACEHOLDER.test(String(value)) ? NO_KEYS.localJwks?.inlineString : value,
    ),
  );
}

describe.skipIf(cases.length === 0)("authentication agrees with Istio", () => {
  test.each(of("jwt-filter", "jwt-config").map((one) => [one.id, one] as const))("%s", (_, one) => {
    const rules = one.in.flatMap((object) => [
      ...((object as ConfigObject<"RequestAuthentication">).spec.jwtRules ?? []),
    ]);
    const ordered = one.func === "jwt-filter" ? byIssuer(rules) : rules;
    const query: Query<void, unknown> = {
      name: "jwt",
      key: () => "",
      compute: (read) =>
        jwtAuthentication(ordered, one.context.clearRouteCache ?? false, (rule) =>
          keySource(read, rule, () => undefined),
        ) ?? null,
    };
    const made = new Derivations(meshOf(one)).ask(query, undefined, aNode()) as object | null;
    const expected =
      one.func === "jwt-filter" ? (one.expected as { typedConfig?: object } | null)?.typedConfig : one.expected;
    if (!expected) return expect(made).toBeNull();
    const { "@type": _type, ...config } = expected as Record<string, unknown>;
    expect(canonicalize(JWT, made ?? {})).toEqual(canonicalize(JWT, withOurPlaceholder(config)));
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
      compute: (read) => ({ mode: effective, http: effective === "DISABLE" ? undefined : meshTlsContext(read) }),
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
