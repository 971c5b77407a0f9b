import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { encode } from "@fairlead/xds/proto";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const service = (name: string, host: number, protocol = "HTTP") => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec: {hosts: [${name}.example.com], ports: [{number: 80, name: p, protocol: ${protocol}}], location: MESH_INTERNAL, resolution: STATIC, endpoints: [{address: 127.0.52.${host}}]}
`;

it("whatever is wrong is said of its object or stream, and the rest goes on", async () => {
  const store = textStore({ "a.yaml": service("a", 10) });
  await using plane = await createControlPlane({ config: store });
  const { ads } = await plane.listen({ ads: "127.0.52.1:15010" });
  await using secrets = await startSecrets("default", "client");
  await using envoy = await startEnvoy({
    node: {
      id: "sidecar~127.0.52.2~client.default~default.svc.cluster.local",
      metadata: { INTERCEPTION_MODE: "NONE" },
    },
    ads,
    adsSecurity: "plaintext",
    sdsPath: secrets.path,
    admin: "127.0.52.2:15000",
  });
  await envoy.ready();
  await plane.converged();

  // A malformed document, an unknown kind, references to nothing and two claims to one port, beside a service that is fine.
  store.set({
    "b.yaml": service("b", 11),
    "broken.yaml": "kind: [unfinished\n",
    "unknown.yaml": "apiVersion: networking.istio.io/v1\nkind: NoSuchKind\nmetadata: {name: x}\n",
    "route.yaml": `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a.example.com], http: [{route: [{destination: {host: gone.example.com}}]}]}
`,
    "clash.yaml": [service("c", 12, "TCP"), service("d", 13, "TCP")]
      .join("---\n")
      .replaceAll("number: 80", "number: 81"),
    "again.yaml": service("a", 13),
  });
  await plane.converged();
  const told = plane.diagnostics().map(({ code, object, position }) => [code, object?.name ?? "", position?.file]);
  expect(told).toEqual(
    expect.arrayContaining([
      ["yaml-syntax", "", "broken.yaml"],
      ["unknown-kind", "x", "unknown.yaml"],
      ["unknown-destination", "a", "route.yaml"],
      ["listener-conflict", "d", "clash.yaml"],
      ["duplicate-object", "a", expect.stringMatching(/a(gain)?\.yaml/)],
    ]),
  );
  const clusters = async () => (await envoy.admin("/clusters")).body;
  expect(await clusters()).toContain("outbound|80||b.example.com::");

  // A client that goes away in the middle of a push, many times over, and one that never reads.
  const request = Buffer.from(
    encode("envoy.service.discovery.v3.DiscoveryRequest", {
      node: { id: "sidecar~127.0.52.9~gone.default~default.svc.cluster.local" },
      typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    }),
  );
  const open = () => {
    const client = new Client(ads, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const call = client.makeBidiStreamRequest(
      "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources",
      (value: Buffer) => value,
      (value: Buffer) => value,
      new Metadata(),
    );
    call.on("error", () => undefined);
    call.write(request);
    return { client, call };
  };
  const deaf = open();
  for (let count = 0; count < 20; count++) {
    const { client, call } = open();
    await new Promise<void>((resolve) => call.once("data", () => resolve()));
    call.cancel();
    client.close();
    store.set({ "b.yaml": service("b", 20 + count) });
  }
  deaf.call.cancel();
  deaf.client.close();
  const end = Date.now() + 5000;
  while (plane.proxies().length > 1 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(plane.proxies().map(({ node }) => node.id)).toEqual([
    "sidecar~127.0.52.2~client.default~default.svc.cluster.local",
  ]);
  await plane.converged();
  expect(await clusters()).toContain("outbound|80||b.example.com::127.0.52.39:80");
});
