import { afterEach, describe, expect, it } from "vitest";
import { type FakeDnsServer, fakeDnsServer } from "../../test/fake-dns-server.ts";
import { registryContract } from "../testing/contract.ts";
import { type DnsRegistryOptions, type DnsService, dnsRegistry } from "./registry.ts";

const port = { number: 80, name: "http", protocol: "HTTP" } as const;
const web: DnsService = {
  hostname: "web.shop.internal",
  namespace: "shop",
  lookup: { name: "web.test", port: 8080 },
  port,
};
const a = (name: string, data: string, ttl = 0) => ({ type: "A", name, data, ttl }) as const;

registryContract({ describe, it }, "dnsRegistry", async () => {
  const server = await fakeDnsServer();
  const registry = dnsRegistry({ services: [web], servers: [server.address], minInterval: 10, maxInterval: 20 });
  return {
    registry,
    set: (addresses) =>
      void server.records.set(
        "web.test",
        addresses.map((address) => a("web.test", address)),
      ),
    remove: () => void server.records.delete("web.test"),
    stop: () => server.close(),
  };
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(
  service: Partial<DnsService>,
  fill: (server: FakeDnsServer) => void,
  more: Partial<DnsRegistryOptions> = {},
) {
  const server = await fakeDnsServer();
  fill(server);
  const services = [{ ...web, ...service }];
  const registry = dnsRegistry({ services, servers: [server.address], minInterval: 10, maxInterval: 20, ...more });
  open.push(server, registry);
  await registry.ready;
  const endpoints = () =>
    (registry.endpoints.get("shop/web.shop.internal")?.endpoints ?? []).map(
      ({ addresses, ports, weight }) => `${addresses[0]}:${ports.http}${weight === undefined ? "" : `*${weight}`}`,
    );
  return { server, registry, endpoints };
}

describe("dnsRegistry", () => {
  it("takes addresses of both families", async () => {
    const { endpoints, registry } = await start({}, ({ records }) =>
      records.set("web.test", [
        a("web.test", "10.0.0.2"),
        a("web.test", "10.0.0.1"),
        { type: "AAAA", name: "web.test", data: "fd00::1", ttl: 0 },
      ]),
    );
    expect(endpoints()).toEqual(["10.0.0.1:8080", "10.0.0.2:8080", "fd00::1:8080"]);
    expect(registry.services.get("shop/web.shop.internal")).toMatchObject({
      resolution: "ClientSideLB",
      ports: [port],
      registry: "DNS",
    });
  });

  it("takes ports and weights of SRV records, of the lowest priority only", async () => {
    const srv = (target: string, priority: number, weight: number) =>
      ({
        type: "SRV",
        name: "_http._tcp.web.test",
        ttl: 0,
        data: { target, priority, weight, port: 9000 + weight },
      }) as const;
    const { endpoints } = await start({ lookup: { srv: "_http._tcp.web.test" } }, ({ records }) => {
      records.set("_http._tcp.web.test", [srv("a.test", 1, 3), srv("b.test", 1, 0), srv("c.test", 2, 9)]);
      for (const [index, name] of ["a.test", "b.test", "c.test"].entries())
        records.set(name, [a(name, `10.0.0.${index}`)]);
    });
    expect(endpoints()).toEqual(["10.0.0.0:9003*3", "10.0.0.1:9000"]);
  });

  it("keeps the last answer while DNS fails, and says so", async () => {
    const { server, registry, endpoints } = await start({}, ({ records }) =>
      records.set("web.test", [a("web.test", "10.0.0.1")]),
    );
    server.failing.add("A");
    server.failing.add("AAAA");
    await expect
      .poll(() => registry.diagnostics())
      .toMatchObject([{ code: "dns-failure", object: { name: "web.shop.internal" } }]);
    expect(endpoints()).toEqual(["10.0.0.1:8080"]);
    server.failing.clear();
    await expect.poll(() => registry.diagnostics()).toEqual([]);
  });

  it("does without a family that is never answered", async () => {
    const { registry, endpoints } = await start({}, ({ records, failing }) => {
      records.set("web.test", [a("web.test", "10.0.0.1")]);
      failing.add("AAAA");
    });
    expect(endpoints()).toEqual(["10.0.0.1:8080"]);
    expect(registry.diagnostics()).toEqual([]);
  });

  it("asks again when records run out, within its bounds", async () => {
    const waits: number[] = [];
    const sleep = async (milliseconds: number, signal: AbortSignal) => {
      waits.push(milliseconds);
      if (waits.length > 2) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    };
    const { server, registry } = await start(
      {},
      ({ records }) => records.set("web.test", [a("web.test", "10.0.0.1", 7)]),
      { minInterval: 5_000, maxInterval: 30_000, sleep },
    );
    server.records.set("web.test", [a("web.test", "10.0.0.1", 3600)]);
    await expect.poll(() => waits.length).toBeGreaterThan(2);
    expect(waits[0]).toBe(7_000);
    expect(waits[2]).toBe(30_000);
    await registry.close();
  });

  it("refuses a service that is listed twice", () => {
    expect(() => dnsRegistry({ services: [web, web] })).toThrow(expect.objectContaining({ code: "bad-options" }));
  });
});
