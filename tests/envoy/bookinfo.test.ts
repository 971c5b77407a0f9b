import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { describe, expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const bookinfo = join(import.meta.dirname, "../../../shared/conformance/bookinfo");
const present = existsSync(bookinfo);
if (!present) console.log("skipped: Istio's Bookinfo (../shared/conformance/bookinfo) is not here");

const NODES = {
  reviews: ["sidecar~127.0.48.10~reviews-v1.default~default.svc.cluster.local", { app: "reviews", version: "v1" }],
  productpage: [
    "sidecar~127.0.48.11~productpage-v1.default~default.svc.cluster.local",
    { app: "productpage", version: "v1" },
  ],
  gateway: ["router~127.0.48.12~ingress.istio-system~istio-system.svc.cluster.local", { istio: "ingressgateway" }],
} as const;

const read = (file: string) => readFileSync(join(bookinfo, file), "utf8");

describe.runIf(present || process.env.CI)("Istio's own Bookinfo", () => {
  const routings = readdirSync(join(bookinfo, "networking")).filter((file) =>
    /^(virtual-service|bookinfo-gateway|fault|egress)/.test(file),
  );

  it.each(Object.keys(NODES) as (keyof typeof NODES)[])(
    "is accepted by the Envoy of %s without a NACK, with each routing file in turn",
    async (name) => {
      expect(routings.length).toBeGreaterThan(15);
      const store = textStore({
        platform: read("platform/kube/bookinfo.yaml"),
        rules: read("networking/destination-rule-all.yaml"),
      });
      await using plane = await createControlPlane({ config: store, registries: [manifestsRegistry(store.documents)] });
      const { ads } = await plane.listen({ ads: "127.0.48.1:0" });
      await using secrets = await startSecrets("default", name);
      const nacks: string[] = [];
      plane.on("nack", ({ message }) => void nacks.push(message));
      const [id, labels] = NODES[name];
      await using envoy = await startEnvoy({
        node: { id, metadata: { LABELS: labels } },
        ads,
        adsSecurity: "plaintext",
        sdsPath: secrets.path,
        admin: "127.0.48.2:15000",
      });
      await envoy.ready();
      for (const routing of routings) {
        store.set({ routing: read(`networking/${routing}`) });
        await plane.converged();
        expect(nacks, routing).toEqual([]);
        // A sample that brings its own copy of a rule says so; everything else is in order.
        const wrong = plane
          .diagnostics()
          .filter(({ severity, code }) => severity === "error" && code !== "duplicate-object");
        expect(wrong, routing).toEqual([]);
      }
      const routes = (await envoy.admin("/config_dump?resource=dynamic_route_configs")).body;
      if (name !== "gateway") expect(routes).toContain("outbound|9080||ratings.default.svc.cluster.local");
      expect(plane.proxies()[0]?.types.map(({ shortName }) => shortName)).toContain("CDS");
    },
  );
});
