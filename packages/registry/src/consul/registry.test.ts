import { afterEach, describe, expect, it } from "vitest";
import { fakeConsul } from "../../test/fake-consul.ts";
import { registryContract } from "../testing/contract.ts";
import type { ConsulEntry } from "./catalog.ts";
import { type ConsulRegistryOptions, consulRegistry } from "./registry.ts";

const retry = { initial: 5, max: 20, pause: 1 };
type Parts = { service?: ConsulEntry["Service"]; checks?: readonly string[]; node?: ConsulEntry["Node"] };
const entry = (id: string, address: string, { service, checks = ["passing"], node }: Parts = {}): ConsulEntry => ({
  Node: { Node: "node1", Address: "10.9.9.9", Datacenter: "dc1", ...node },
  Service: { ID: id, Service: "web", Address: address, Port: 8080, ...service },
  Checks: checks.map((status) => ({ Status: status })),
});

registryContract({ describe, it }, "consulRegistry", async () => {
  const consul = await fakeConsul();
  return {
    registry: consulRegistry({ url: consul.url, namespace: "shop", retry }),
    set: (addresses) =>
      consul.set(
        "web",
        addresses.map((address, index) => entry(`web-${index}`, address)),
      ),
    remove: () => consul.set("web", undefined),
    stop: () => consul.close(),
  };
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(entries: readonly ConsulEntry[], options: Partial<ConsulRegistryOptions> = {}, token?: string) {
  const consul = await fakeConsul(token);
  consul.set("web", entries);
  const registry = consulRegistry({ url: consul.url, retry, ...options });
  open.push(consul, registry);
  await registry.ready;
  const service = () => [...registry.services.values()][0];
  const endpoints = () => [...registry.endpoints.values()].flatMap((given) => given.endpoints);
  return { consul, registry, service, endpoints };
}

describe("consulRegistry", () => {
  it("makes a port of each number, with the instances' protocol", async () => {
    const { service, endpoints } = await start([
      entry("a", "10.0.0.1", { service: { Meta: { protocol: "http", version: "v1" }, Tags: ["tier=gold", "plain"] } }),
      entry("b", "10.0.0.2", { service: { Port: 9090 } }),
    ]);
    expect(service()).toMatchObject({
      hostname: "web.service.consul",
      namespace: "default",
      registry: "Consul",
      resolution: "ClientSideLB",
      ports: [
        { number: 8080, name: "port-8080", protocol: "HTTP" },
        { number: 9090, name: "port-9090", protocol: "Unspecified" },
      ],
    });
    expect(endpoints()).toMatchObject([
      {
        ports: { "port-8080": 8080 },
        labels: { version: "v1", tier: "gold", protocol: "http", "topology.istio.io/cluster": "consul" },
        locality: { region: "dc1" },
        workloadName: "a",
        nodeName: "node1",
      },
      { ports: { "port-9090": 9090 } },
    ]);
  });

  it("puts all instances behind one port when told to", async () => {
    const { service, endpoints } = await start(
      [entry("a", "10.0.0.1"), entry("b", "10.0.0.1", { service: { Port: 9090 } })],
      {
        servicePort: 80,
        hostname: (name) => `${name}.mesh`,
      },
    );
    expect(service()).toMatchObject({ hostname: "web.mesh", ports: [{ number: 80, name: "default" }] });
    expect(endpoints().map(({ ports }) => ports.default)).toEqual([8080, 9090]);
  });

  it("leaves out critical instances and proxies, weighs the others, and takes the node's address", async () => {
    const weights = { Weights: { Passing: 10, Warning: 2 } };
    const { endpoints } = await start([
      entry("a", "10.0.0.1", { checks: ["passing", "critical"] }),
      entry("b", "10.0.0.2", { checks: ["passing", "warning"], service: weights }),
      entry("c", "", { service: weights }),
      entry("d", "10.0.0.4", { service: { Kind: "connect-proxy" } }),
      entry("e", "10.0.0.5", { checks: ["maintenance"] }),
    ]);
    expect(endpoints().map(({ addresses, weight }) => [addresses[0], weight])).toEqual([
      ["10.0.0.2", 2],
      ["10.9.9.9", 10],
    ]);
  });

  it("lets proxies resolve instances that have names", async () => {
    const { service } = await start([entry("a", "a.example.com")]);
    expect(service()?.resolution).toBe("DNSLB");
  });

  it("waits in blocking queries, and starts over when the index goes backwards", async () => {
    const { consul, endpoints } = await start([entry("a", "10.0.0.1")]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(consul.requests.length).toBeLessThan(6);
    consul.resetIndex();
    consul.set("web", [entry("a", "10.0.0.7")]);
    await expect.poll(() => endpoints()[0]?.addresses[0]).toBe("10.0.0.7");
    expect(consul.requests).toContain("/v1/health/service/web");
  });

  it("keeps what it has while Consul fails, and says so", async () => {
    const { consul, registry, endpoints } = await start([entry("a", "10.0.0.1")]);
    consul.fail(500);
    await expect.poll(() => registry.diagnostics().length).toBe(2);
    expect(registry.diagnostics()[0]).toMatchObject({ code: "consul-failure" });
    expect(endpoints()).toHaveLength(1);
    consul.fail(undefined);
    await expect.poll(() => registry.diagnostics()).toEqual([]);
  });

  it("shows its token", async () => {
    const { endpoints } = await start([entry("a", "10.0.0.1")], { token: "secret" }, "secret");
    expect(endpoints()).toHaveLength(1);
  });

  it("is not ready while it is refused, and never when closed", async () => {
    const consul = await fakeConsul("secret");
    const registry = consulRegistry({ url: consul.url, retry });
    open.push(consul);
    await expect.poll(() => registry.diagnostics()).toMatchObject([{ message: expect.stringContaining("403") }]);
    await registry.close();
    await expect(registry.ready).rejects.toMatchObject({ code: "closed" });
  });
});
