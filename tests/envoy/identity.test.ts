import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePem, initAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { workloadSpiffeId } from "@fairlead/model";
import { encode } from "@fairlead/xds/proto";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";

const PATH = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const nodeOf = (name: string) => ({
  id: `sidecar~127.0.50.9~${name}.default~default.svc.cluster.local`,
  metadata: { SERVICE_ACCOUNT: name, INTERCEPTION_MODE: "NONE" },
});

it("a node that claims another's identity is refused, garbage ends its stream only, and a proxy beside them is served", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "identity-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const authority = await initAuthority(join(home, "pki"), { trustDomain: "cluster.local" });
  stack.defer(() => authority.close());
  const plane = stack.use(await createControlPlane({ config: textStore({}), authority }));
  const { ads } = await plane.listen({ ads: "127.0.50.1:15010" });

  const identity = workloadSpiffeId("cluster.local", "default", "honest");
  const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
  await agent.ready;
  const sdsPath = join(home, "sds.sock");
  await agent.listen(`unix:${sdsPath}`);

  const secret = agent.get("default");
  if (secret?.kind !== "key-pair") throw new Error("no certificate");
  const tls = credentials.createSsl(
    Buffer.from(bundlePem(authority.trustBundle)),
    Buffer.from(secret.privateKey),
    Buffer.from(secret.certificateChain),
  );
  /** Opens a stream, sends bytes, and gives the status it ends with. */
  const ending = (bytes: Uint8Array) =>
    new Promise<{ code: number; details: string }>((resolve) => {
      const client = new Client(ads, tls, {
        "grpc.ssl_target_name_override": "127.0.50.1",
        "grpc.use_local_subchannel_pool": 1,
      });
      const call = client.makeBidiStreamRequest(
        PATH,
        (value: Buffer) => value,
        (value: Buffer) => value,
        new Metadata(),
      );
      call.on("data", () => {
        call.cancel();
        client.close();
        resolve({ code: 0, details: "served" });
      });
      call.on("error", (error: { code?: number; details?: string }) => {
        client.close();
        resolve({ code: error.code ?? -1, details: error.details ?? "" });
      });
      call.write(Buffer.from(bytes));
    });
  const request = (node: object) =>
    encode("envoy.service.discovery.v3.DiscoveryRequest", {
      node,
      typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    });

  expect(await ending(request(nodeOf("other")))).toMatchObject({
    code: status.PERMISSION_DENIED,
    details: expect.stringContaining("claims service account other"),
  });
  expect(
    await ending(request({ ...nodeOf("honest"), id: "sidecar~127.0.50.9~honest.vault~vault.svc.cluster.local" })),
  ).toMatchObject({ code: status.PERMISSION_DENIED });
  expect(await ending(request({ id: "nonsense" }))).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining("is not of the form TYPE~IP~NAME.NAMESPACE~DOMAIN"),
  });
  expect(await ending(Buffer.from("not a protobuf message at all \xff\xff\xff"))).toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
  expect(await ending(Buffer.alloc(5 << 20, 1))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await ending(request(nodeOf("honest")))).toMatchObject({ details: "served" });

  await using envoy = await startEnvoy({
    node: nodeOf("honest"),
    ads,
    adsServerNames: ["spiffe://cluster.local/ns/istio-system/sa/istiod"],
    sdsPath,
    admin: "127.0.50.9:15000",
  });
  await envoy.ready();
  await plane.converged();
  expect(
    plane.proxies().some(({ node, identities }) => node.id === nodeOf("honest").id && identities[0] === identity.uri),
  ).toBe(true);
});
