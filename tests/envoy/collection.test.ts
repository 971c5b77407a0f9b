import { createDiscoveryServer, createLinearSource } from "@fairlead/xds";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";

const TYPE = "envoy.config.cluster.v3.Cluster";
const SHOP = `xdstp://mesh.example/${TYPE}/shop`;
const ADDRESS = "127.0.76.1";

it("an Envoy follows a collection, and is sent nothing else", async () => {
  const source = createLinearSource(`type.googleapis.com/${TYPE}`);
  const put = (name: string) => source.set(name, { name, type: "STATIC", connectTimeout: "1s" });
  put(`${SHOP}/a`);
  put(`xdstp://mesh.example/${TYPE}/other/z`);
  await using server = createDiscoveryServer(source, { timing: { drain: 0 } });
  const nacks: string[] = [];
  server.on("nack", ({ message }) => void nacks.push(message));
  const { address } = await server.listen({ address: `${ADDRESS}:0` });
  const grpcServices = [{ envoyGrpc: { clusterName: "xds-grpc" } }];
  const apiConfigSource = { apiType: "DELTA_GRPC", transportApiVersion: "V3", grpcServices };
  const dynamicResources = {
    cdsResourcesLocator: `${SHOP}/*`,
    cdsConfig: { resourceApiVersion: "V3", apiConfigSource },
  };
  await using envoy = await startEnvoy({
    node: { id: `sidecar~${ADDRESS}~shop.default~default.svc.cluster.local` },
    ads: address,
    adsSecurity: "plaintext",
    admin: `${ADDRESS}:15000`,
    patch: (bootstrap) => ({ ...bootstrap, dynamicResources }),
  });
  await envoy.ready();
  const names = async () => {
    const { body } = await envoy.admin("/config_dump?resource=dynamic_active_clusters");
    return [...body.matchAll(/"name": "([^"]+)"/g)].map(([, name]) => name);
  };
  expect(await names()).toEqual([`${SHOP}/a`]);
  source.update({ [`${SHOP}/a`]: undefined, [`${SHOP}/b`]: { name: `${SHOP}/b`, type: "STATIC" } });
  await expect.poll(names).toEqual([`${SHOP}/b`]);
  expect(nacks).toEqual([]);
});
