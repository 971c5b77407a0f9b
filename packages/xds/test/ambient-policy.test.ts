import type { ConfigObject } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import { parseAllDocuments, parse as parseYaml } from "yaml";
import {
  conformanceFolders,
  conformanceText,
  hasConformanceData,
} from "../../../tests/conformance/conformance-data.ts";
import { canonicalize } from "../src/proto/index.ts";
import { translate } from "../src/translate/index.ts";

const MESSAGE = "istio.security.Authorization";
const ZTUNNEL = { ...aNode("ztunnel-1.istio-system"), type: "ztunnel" as const };

function objectsOf(text: string): ConfigObject[] {
  return parseAllDocuments(text).flatMap((document): ConfigObject[] => {
    const object = document.toJS();
    if (!object) return [];
    const { kind, apiVersion, metadata, spec = {} } = object;
    return [
      { kind, apiVersion, metadata: { labels: {}, annotations: {}, namespace: "", ...metadata }, spec } as ConfigObject,
    ];
  });
}

describe.skipIf(!hasConformanceData())("what ztunnel enforces agrees with Istio", () => {
  test.each(conformanceFolders("ambient-policy"))("%s", (id) => {
    const config = objectsOf(conformanceText(`ambient-policy/${id}/in.yaml`) ?? "");
    const { authorizations } = translate(Mesh.of({ meshConfig: {}, config }), ZTUNNEL);
    const made = authorizations
      .map(({ resource }) => resource as { readonly name: string })
      // In every mesh with a PeerAuthentication, whatever that says.
      .filter(({ name }) => name !== "istio_converted_static_strict")
      .map((resource) => canonicalize(MESSAGE, resource));
    const expected: unknown = parseYaml(conformanceText(`ambient-policy/${id}/expected.yaml`) ?? "");
    expect(made).toEqual(expected ? [canonicalize(MESSAGE, expected as object)] : []);
  });
});
