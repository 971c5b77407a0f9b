import { canonicalize } from "@fairlead/xds/proto";
import { type Translation, translate } from "@fairlead/xds/translate";
import { describe, expect, test } from "vitest";
import { xdsCases } from "./cases.ts";
import { hasConformanceData } from "./conformance-data.ts";
import { differences } from "./difference.ts";
import { loadMesh } from "./load-mesh.ts";

const MESSAGES = {
  clusters: "envoy.config.cluster.v3.Cluster",
  endpoints: "envoy.config.endpoint.v3.ClusterLoadAssignment",
  listeners: "envoy.config.listener.v3.Listener",
  routes: "envoy.config.route.v3.RouteConfiguration",
} as const;

const cases = hasConformanceData() ? xdsCases() : [];

/** What is printed, compared, patched and simulated is what is sent: nothing is lost or renamed on the way to bytes. */
describe.skipIf(cases.length === 0)("resources are made in protobuf JSON's canonical spelling", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", async (_, { folder, proxies }) => {
    const mesh = await loadMesh(folder);
    for (const { node } of proxies) {
      const made: Translation = translate(mesh, node);
      for (const [type, message] of Object.entries(MESSAGES))
        for (const { name, resource } of made[type as keyof typeof MESSAGES])
          expect(differences(canonicalize(message, resource), resource, `${type} ${name}`)).toEqual([]);
    }
  });
});
