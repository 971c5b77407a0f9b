import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { parseNode } from "@fairlead/model";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { type Call, evaluateResources, resourcesFromConfigDump } from "@fairlead/simulator";
import { translate } from "@fairlead/xds/translate";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const MESH = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-sync, port: 9000}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stock-1, labels: {app: stock, version: v1, security.istio.io/tlsMode: istio}}
status: {podIP: 10.2.0.3, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-1, labels: {app: shop}}
status: {podIP: 127.0.47.10}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: stock}
spec: {host: stock, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec:
  hosts: [stock]
  http:
  - match: [{uri: {regex: "/items/[0-9]+"}, headers: {x-test: {exact: "1"}}}]
    rewrite: {uri: /rewritten}
    route: [{destination: {host: stock, subset: v2}}]
  - match: [{uri: {prefix: /old}}]
    redirect: {uri: /new}
  - fault: {abort: {percentage: {value: 10}, httpStatus: 503}}
    route: [{destination: {host: stock, subset: v1}, weight: 75}, {destination: {host: stock, subset: v2}, weight: 25}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: shop}
spec: {selector: {matchLabels: {app: shop}}, action: DENY, rules: [{to: [{operation: {paths: [/admin*]}}]}]}
`;

const call = (entry: "outbound" | "inbound", address: string, port: number, path?: string, test = "0"): Call => ({
  entry,
  connection: {
    destination: { address, port },
    source: { address: "127.0.47.10", port: 50_000 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: path === undefined ? "tcp" : "http/1.1",
  },
  ...(path !== undefined && {
    request: {
      path,
      pathname: path,
      headers: new Map([
        [":authority", "stock"],
        [":method", "GET"],
        [":path", path],
        [":scheme", "http"],
        ["x-test", test],
      ]),
      metadata: new Map(),
    },
  }),
});

it("a dump of a real Envoy answers as what it was sent", async () => {
  const store = textStore({ mesh: MESH });
  await using plane = await createControlPlane({ config: store, registries: [manifestsRegistry(store.documents)] });
  const { ads } = await plane.listen({ ads: "127.0.47.1:0" });
  await using secrets = await startSecrets("default", "default");
  const id = "sidecar~127.0.47.10~shop-1.default~default.svc.cluster.local";
  const metadata = { LABELS: { app: "shop" } };
  await using envoy = await startEnvoy({
    node: { id, metadata },
    ads,
    adsSecurity: "plaintext",
    sdsPath: secrets.path,
    admin: "127.0.47.2:15000",
  });
  await envoy.ready();
  await plane.converged();
  const dumped = resourcesFromConfigDump((await envoy.admin("/config_dump?include_eds")).body);

  const { node } = parseNode({ id, metadata });
  if (!node) throw new Error("the node is not read");
  const sent = translate(plane.mesh, node);
  const plain = (list: readonly { readonly resource: object }[]) => list.map(({ resource }) => resource);
  const own = {
    listeners: plain(sent.listeners),
    routes: plain(sent.routes),
    clusters: plain(sent.clusters),
    endpoints: plain(sent.endpoints),
  };
  const names = (list: readonly { name?: string }[] = []) => list.map(({ name }) => name);
  expect(names(dumped.clusters)).toEqual(expect.arrayContaining(names(own.clusters)));
  expect(dumped.endpoints?.map(({ clusterName }) => clusterName)).toContain(
    "outbound|80|v1|stock.default.svc.cluster.local",
  );
  const calls = [
    call("outbound", "10.1.0.2", 80, "/"),
    call("outbound", "10.1.0.2", 80, "/items/7", "1"),
    call("outbound", "10.1.0.2", 80, "/items/x", "1"),
    call("outbound", "10.1.0.2", 80, "/old"),
    call("outbound", "10.1.0.2", 9000),
    call("outbound", "192.0.2.7", 4444),
    call("inbound", "127.0.47.10", 8080, "/admin/x"),
    call("inbound", "127.0.47.10", 8080, "/"),
  ];
  const brief = (resources: typeof dumped, one: Call) =>
    evaluateResources(resources, one).branches.map((branch) => [
      branch.kind,
      branch.share,
      branch.kind === "forward"
        ? [branch.cluster, branch.path]
        : branch.kind === "reply"
          ? branch.reply
          : branch.reason,
    ]);
  for (const one of calls) expect(brief(dumped, one)).toEqual(brief(own, one));
  expect(new Set(calls.map((one) => JSON.stringify(brief(dumped, one)))).size).toBeGreaterThan(5);
});
