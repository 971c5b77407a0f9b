import type { ConfigObject, MeshConfig } from "@fairlead/config";
import { byAge, Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, aService } from "@fairlead/mesh/testing";
import { matchesLabels } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { parseAllDocuments, parse as parseYaml } from "yaml";
import {
  conformanceFolders,
  conformanceJson,
  conformanceText,
  hasConformanceData,
} from "../../../tests/conformance/conformance-data.ts";
import { canonicalize } from "../src/proto/index.ts";
import { authorizationFilters } from "../src/translate/security/authorization.ts";
import { externalAuthorization } from "../src/translate/security/external-authorization.ts";

type AuthorizationPolicy = ConfigObject<"AuthorizationPolicy">;

interface Case {
  readonly protocol: "http" | "tcp";
  readonly customBuilder: boolean;
  readonly expected: readonly string[];
  readonly proxy: { readonly labels: Readonly<Record<string, string>>; readonly namespace: string };
  readonly services: readonly { readonly hostname: string; readonly namespace: string }[];
  readonly meshConfig: MeshConfig | null;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
}

const FILTER = {
  http: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  tcp: "envoy.config.listener.v3.Filter",
} as const;

function policiesOf(text: string): AuthorizationPolicy[] {
  return parseAllDocuments(text).flatMap((document): AuthorizationPolicy[] => {
    const { kind, apiVersion, metadata, spec } = document.toJS() ?? {};
    if (kind !== "AuthorizationPolicy") return [];
    const { name, namespace, annotations = {}, labels = {} } = metadata;
    return [{ kind, apiVersion, metadata: { name, namespace, annotations, labels }, spec: spec ?? {} }];
  });
}

/** What Istio makes of the policies of a case, against what we make of them. */
function filtersOf(id: string, one: Case): unknown[] {
  const policies = policiesOf(conformanceText(`authz/${id}/in.yaml`) ?? "").filter(
    ({ metadata, spec }) =>
      metadata.namespace === one.proxy.namespace && matchesLabels(spec.selector?.matchLabels ?? {}, one.proxy.labels),
  );
  policies.sort((a, b) => byAge({ ...a.metadata }, { ...b.metadata }));
  const mesh = Mesh.of({
    meshConfig: one.meshConfig ?? {},
    services: one.services.map(({ hostname, namespace }) => aService(hostname, { namespace })),
  });
  const made: Query<void, unknown[]> = {
    name: "filters",
    key: () => "",
    compute: (read) =>
      authorizationFilters({
        policies,
        protocol: one.protocol,
        actions: one.customBuilder ? "custom" : "local",
        trustDomains: [one.trustDomain, ...one.trustDomainAliases],
        provider: (name) => externalAuthorization(read, name),
        report: () => undefined,
      }).map(({ name, typedConfig }) => canonicalize(FILTER[one.protocol], { name, typedConfig })),
  };
  return new Derivations(mesh).ask(made, undefined, aNode());
}

describe.skipIf(!hasConformanceData())("authorization agrees with Istio", () => {
  test.each(conformanceFolders("authz"))("%s", (id) => {
    const one = conformanceJson<Case>(`authz/${id}/case.json`);
    if (!one) throw new Error(`${id} has no case.json`);
    const expected = one.expected.map((file) =>
      canonicalize(FILTER[one.protocol], parseYaml(conformanceText(`authz/${id}/${file}`) ?? "")),
    );
    expect(filtersOf(id, one)).toEqual(expected);
  });
});
