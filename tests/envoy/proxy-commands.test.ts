import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { expect, it } from "vitest";
import { fairlead } from "../../packages/cli/test/captured.ts";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const MESH = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, labels: {app: stock, version: v1, security.istio.io/tlsMode: istio}}
status: {podIP: 10.2.0.3, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stock}
spec: {host: stock, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock], http: [{match: [{uri: {prefix: /v1}}], route: [{destination: {host: stock, subset: v1}}]}, {route: [{destination: {host: stock}}]}]}
`;
const ID = "sidecar~127.0.71.10~shop-1.default~default.svc.cluster.local";
const ADMIN = "127.0.71.2:15000";
/** A filter that this Envoy does not have. */
const BROKEN = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: broken}
spec:
  configPatches:
  - applyTo: CLUSTER
    match: {cluster: {service: stock.default.svc.cluster.local}}
    patch: {operation: MERGE, value: {lb_policy: LOAD_BALANCING_POLICY_CONFIG}}
`;

it("proxy-config and proxy-status tell what a running Envoy has, what it refuses, and what differs from what is meant", async () => {
  const store = textStore({ mesh: MESH });
  await using plane = await createControlPlane({ config: store, registries: [manifestsRegistry(store.documents)] });
  const { ads, http = "" } = await plane.listen({ ads: "127.0.71.1:0", http: "127.0.0.1:0" });
  await using secrets = await startSecrets("default", "shop");
  const node = { id: ID, metadata: { LABELS: { app: "shop" } } };
  await using envoy = await startEnvoy({ node, ads, adsSecurity: "plaintext", sdsPath: secrets.path, admin: ADMIN });
  await envoy.ready();
  await plane.converged();

  const show = (kind: string, ...more: string[]) => fairlead("proxy-config", kind, "--admin", ADMIN, ...more);
  expect((await show("clusters", "--name", "stock")).out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["SERVICE", "PORT", "SUBSET", "DIRECTION", "TYPE", "STATE", "MADE FROM"],
    ["stock.default.svc.cluster.local", "80", "v1", "outbound", "EDS", "active", "destination-rule default/stock"],
    ["stock.default.svc.cluster.local", "80", "-", "outbound", "EDS", "active", "destination-rule default/stock"],
    [""],
  ]);
  const { out: routes } = await show("routes", "--name", "80");
  expect(routes).toMatch(
    /^80 .* \/v1\* +outbound\|80\|v1\|stock\.default\.svc\.cluster\.local +virtual-service default\/stock$/m,
  );
  expect((await show("endpoints")).out).toMatch(/^10\.2\.0\.3:8080 .*outbound\|80\|v1\|stock/m);
  expect((await show("listeners", "--name", "0.0.0.0_80")).out).toMatch(
    /^0\.0\.0\.0_80 +0\.0\.0\.0:80 +active .*Route: 80$/m,
  );
  expect((await show("secrets")).out).toMatch(/^default +Cert Chain +active +true +[0-9a-f]+ +\d{4}-/m);
  expect((await show("bootstrap")).out).toContain(`id: ${ID}`);
  const json = JSON.parse((await show("all", "-o", "json")).out) as { kind: string; resource: object }[];
  expect(new Set(json.map(({ kind }) => kind))).toEqual(
    new Set(["bootstrap", "clusters", "endpoints", "listeners", "routes", "secrets"]),
  );
  expect(JSON.stringify(json)).not.toContain("PRIVATE KEY");

  const route = async (...words: string[]) =>
    JSON.parse((await fairlead("proxy-route", "--admin", ADMIN, ...words, "-o", "json")).out) as {
      readonly branches: readonly object[];
      readonly trace: readonly { readonly step: string }[];
    };
  const routed = await route("http://stock/v1/items");
  expect(routed.branches).toMatchObject([
    { kind: "forward", share: 1, cluster: "outbound|80|v1|stock.default.svc.cluster.local" },
  ]);
  expect(routed.trace.map(({ step }) => step)).toContain("route");
  expect((await route("--inbound", "--to", "127.0.71.10", "tcp://shop:7000")).branches).toMatchObject([
    { kind: "forward", cluster: "InboundPassthroughCluster" },
  ]);
  expect((await fairlead("proxy-route", "--admin", ADMIN, "http://stock/")).out).toMatch(
    /\n100 % to outbound\|80\|\|stock\.default\.svc\.cluster\.local\n$/,
  );

  expect((await fairlead("proxy-log", "--admin", ADMIN, "upstream=debug", "-o", "json")).out).toMatch(
    /"name": "upstream",\s+"level": "debug"/,
  );
  expect(
    (await fairlead("proxy-stats", "--admin", ADMIN, "--name", "^listener_manager\\.listener_added$")).out,
  ).toMatch(/^listener_manager\.listener_added +[1-9]/m);
  expect((await fairlead("version", "--admin", ADMIN)).out).toMatch(
    /^fairlead [\d.]+\nnode 2[\d.]+\nenvoy [0-9a-f]+\/1\./,
  );

  const status = (...words: string[]) => fairlead("proxy-status", "--control-plane", http, ...words);
  const all = await status();
  expect(all.code).toBe(0);
  expect(all.out).toMatch(/^NAME .*CDS +EDS +LDS +RDS/);
  expect(all.out).toMatch(/synced \(\d+\)/);
  expect(await status("shop-1", "--admin", ADMIN)).toEqual({
    code: 0,
    out: "the proxy has what it is meant to have\n",
    err: "",
  });

  const holders = await status("--object", "VirtualService/default/stock");
  expect(holders.code).toBe(0);
  expect(holders.out).toMatch(/^sidecar~127\.0\.71\.10~shop-1\S+ +80 +accepted +(\S+) +\1$/m);

  store.set({ mesh: MESH, broken: BROKEN });
  await expect.poll(async () => (await status()).code, { timeout: 10_000 }).toBe(1);
  const after = await status();
  expect(after.out).toMatch(/ refuses CDS: .*LOAD_BALANCING_POLICY_CONFIG|load_balancing_policy/i);
  const differing = await status("shop-1", "--admin", ADMIN, "-o", "json");
  expect(differing.code).toBe(1);
  expect(JSON.parse(differing.out)).toContainEqual({
    kind: "clusters",
    name: "outbound|80||stock.default.svc.cluster.local",
    what: "different",
  });
});
