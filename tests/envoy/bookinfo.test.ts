import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { directoryStore } from "@fairlead/config/directory";
import { createControlPlane } from "@fairlead/control-plane";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { describe, expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const bookinfo = join(import.meta.dirname, "../../../shared/conformance/bookinfo");
const present = existsSync(bookinfo);
if (!present) console.log("skipped: Istio's Bookinfo (../shared/conformance/bookinfo) is not here");

const NODES = {
  reviews: {
    id: "sidecar~127.0.48.10~reviews-v1.default~default.svc.cluster.local",
    metadata: { LABELS: { app: "reviews", version: "v1" }, SERVICE_ACCOUNT: "bookinfo-reviews" },
  },
  productpage: {
    id: "sidecar~127.0.48.11~productpage-v1.default~default.svc.cluster.local",
    metadata: { LABELS: { app: "productpage", version: "v1" } },
  },
  gateway: {
    id: "router~127.0.48.12~ingress.istio-system~istio-system.svc.cluster.local",
    metadata: { LABELS: { istio: "ingressgateway" } },
  },
};

describe.runIf(present || process.env.CI)("Istio's own Bookinfo", () => {
  const routings = present
    ? readdirSync(join(bookinfo, "networking")).filter((file) =>
        /^(virtual-service|bookinfo-gateway|fault|egress)/.test(file),
      )
    : [];

  it("is there where it must be", () => expect(routings.length).toBeGreaterThan(10));

  it.each(Object.keys(NODES) as (keyof typeof NODES)[])(
    "is accepted by the Envoy of %s without a NACK, with each routing file",
    async (name) => {
      for (const routing of name === "reviews" ? routings : ["bookinfo-gateway.yaml", "virtual-service-all-v1.yaml"]) {
        await using stack = new AsyncDisposableStack();
        const files = [
          join(bookinfo, "platform/kube/bookinfo.yaml"),
          join(bookinfo, "networking/destination-rule-all.yaml"),
          join(bookinfo, "networking", routing),
        ];
        const store = directoryStore(files, { watch: false });
        stack.defer(() => store.close());
        const plane = stack.use(
          await createControlPlane({ config: store, registries: [manifestsRegistry(store.documents)] }),
        );
        const { ads } = await plane.listen({ ads: "127.0.48.1:0" });
        const secrets = stack.use(await startSecrets("default", name));
        const nacks: string[] = [];
        plane.on("nack", ({ message }) => void nacks.push(message));
        const envoy = stack.use(
          await startEnvoy({
            node: NODES[name],
            ads,
            adsSecurity: "plaintext",
            sdsPath: secrets.path,
            admin: "127.0.48.2:15000",
          }),
        );
        await envoy.ready();
        await plane.converged();
        expect(nacks, routing).toEqual([]);
        expect(
          plane.diagnostics().filter(({ severity, code }) => severity === "error" && code !== "duplicate-object"),
          routing,
        ).toEqual([]);
        const [proxy] = plane.proxies();
        expect(proxy?.types.map(({ shortName }) => shortName)).toContain(
          name === "gateway" && routing !== "bookinfo-gateway.yaml" ? "LDS" : "RDS",
        );
      }
    },
  );
});
