import { describe, expect, it } from "vitest";
import { createDiscoveryClient } from "../client/index.ts";
import { createLinearSource } from "../linear.ts";
import { CLUSTER_TYPE } from "../resource-type.ts";
import { createDiscoveryServer } from "./index.ts";
import { isInCollection } from "./subscription.ts";

const SHOP = "xdstp://mesh.example/envoy.config.cluster.v3.Cluster/shop";

describe("collections", () => {
  it.each([
    [`${SHOP}/*`, `${SHOP}/a`, true],
    [`${SHOP}/*`, `${SHOP}/a/b`, false],
    [`${SHOP}/*`, "xdstp://mesh.example/envoy.config.cluster.v3.Cluster/shops/a", false],
    [`${SHOP}/*?zone=1`, `${SHOP}/a?zone=1`, true],
    [`${SHOP}/*?zone=1`, `${SHOP}/a`, false],
    [`${SHOP}/*`, `${SHOP}/a?zone=1`, false],
  ])("%s has %s: %s", (glob, name, has) => {
    expect(isInCollection(glob, name)).toBe(has);
  });

  it("are followed by those who ask for them, and others are not sent", async () => {
    const source = createLinearSource(CLUSTER_TYPE);
    const put = (name: string) => source.set(name, { name });
    put(`${SHOP}/a`);
    put("plain");
    await using server = createDiscoveryServer(source, { timing: { drain: 0 } });
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    const news: string[] = [];
    using client = createDiscoveryClient({
      address,
      node: { id: "n" },
      subscriptions: { [CLUSTER_TYPE]: [`${SHOP}/*`] },
      onResources({ resources, removed }) {
        for (const { name } of resources) news.push(`+${name.replace(SHOP, "")}`);
        for (const name of removed) news.push(`-${name.replace(SHOP, "")}`);
        return undefined;
      },
    });
    await expect.poll(() => news).toEqual(["+/a"]);
    put(`${SHOP}/b`);
    put("other");
    await expect.poll(() => news).toEqual(["+/a", "+/b"]);
    source.delete(`${SHOP}/a`);
    await expect.poll(() => news).toEqual(["+/a", "+/b", "-/a"]);
    client.subscribe(CLUSTER_TYPE, ["plain"]);
    await expect.poll(() => news).toEqual(["+/a", "+/b", "-/a", "+plain"]);
    client.unsubscribe(CLUSTER_TYPE, [`${SHOP}/*`]);
    await expect.poll(() => server.clients()[0]?.types[0]?.resources).toBe(1);
    put(`${SHOP}/c`);
    source.set("plain", { name: "plain", connectTimeout: "1s" });
    await expect.poll(() => news).toEqual(["+/a", "+/b", "-/a", "+plain", "+plain"]);
  });

  it("that are empty are said to be", async () => {
    const source = createLinearSource(CLUSTER_TYPE);
    await using server = createDiscoveryServer(source);
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    const news: string[] = [];
    using _client = createDiscoveryClient({
      address,
      node: { id: "n" },
      subscriptions: { [CLUSTER_TYPE]: [`${SHOP}/*`] },
      onResources({ resources, removed }) {
        news.push(`${resources.map(({ name }) => name)} ${removed}`);
        return undefined;
      },
    });
    await expect.poll(() => news).toEqual([` ${SHOP}/*`]);
    source.set(`${SHOP}/a`, { name: `${SHOP}/a` });
    await expect.poll(() => news).toEqual([` ${SHOP}/*`, `${SHOP}/a `]);
  });
});
