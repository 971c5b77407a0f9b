import { describe, expect, test } from "vitest";
import type { FilterChain, Listener } from "../envoy.ts";
import type { Connection } from "../subject.ts";
import { rangeOf } from "./cidr.ts";
import { selectFilterChain } from "./filter-chain.ts";
import { inspect } from "./inspect.ts";
import { indexListeners, selectListener } from "./select.ts";

const connection: Connection = {
  destination: { address: "10.1.2.3", port: 443 },
  source: { address: "10.9.9.9", port: 5000 },
  tls: false,
  sni: "",
  alpn: [],
  protocol: "http/1.1",
};

function chosen(
  matches: Record<string, NonNullable<FilterChain["filterChainMatch"]>>,
  on: Partial<Connection>,
  extra: Partial<Listener> = {},
) {
  const listener: Listener = {
    listenerFilters: [
      { name: "envoy.filters.listener.tls_inspector" },
      { name: "envoy.filters.listener.http_inspector" },
    ],
    filterChains: Object.entries(matches).map(([name, filterChainMatch]) => ({ name, filterChainMatch })),
    ...extra,
  };
  const seen = { ...connection, ...on };
  const chain = selectFilterChain(listener, seen, inspect(listener, seen));
  return chain === "ambiguous" ? chain : chain?.name;
}

const net = (text: string) => ({
  addressPrefix: text.replace(/\/.*/, ""),
  prefixLen: Number(text.replace(/.*\//, "")),
});

describe("filter chains", () => {
  test("the longest prefix wins, without a way back", () => {
    const matches = {
      wide: { prefixRanges: [net("10.0.0.0/8")], serverNames: ["a.com"] },
      narrow: { prefixRanges: [net("10.1.0.0/16")], serverNames: ["b.com"] },
    };
    const tls = { tls: true, protocol: "tcp" } as const;
    expect(chosen(matches, { ...tls, sni: "b.com" })).toBe("narrow");
    expect(chosen(matches, { ...tls, sni: "a.com" })).toBeUndefined();
  });

  test("server names: exact, then the longest wildcard, then none", () => {
    const matches = {
      exact: { serverNames: ["a.b.com"] },
      near: { serverNames: ["*.b.com"] },
      far: { serverNames: ["*.com"] },
      none: {},
    };
    const at = (sni: string) => chosen(matches, { tls: true, sni, protocol: "tcp" });
    expect(["A.b.com", "x.b.com", "x.y.b.com", "b.com", "b.org", ""].map(at)).toEqual([
      "exact",
      "near",
      "near",
      "far",
      "none",
      "none",
    ]);
  });

  test("the client's order of protocols decides", () => {
    const matches = { h2: { applicationProtocols: ["h2"] }, h1: { applicationProtocols: ["http/1.1"] } };
    expect(chosen(matches, { tls: true, alpn: ["http/1.1", "h2"] })).toBe("h1");
    expect(chosen(matches, { tls: true, alpn: ["x", "h2"] })).toBe("h2");
  });

  test("plain HTTP is sniffed where there is an inspector", () => {
    const matches = { http: { applicationProtocols: ["http/1.1", "h2c"], transportProtocol: "raw_buffer" } };
    const fallback = { defaultFilterChain: { name: "default" } };
    expect(chosen(matches, {}, fallback)).toBe("http");
    expect(chosen(matches, { protocol: "tcp" }, fallback)).toBe("default");
    const off = {
      name: "envoy.filters.listener.http_inspector",
      filterDisabled: { destinationPortRange: { start: 443, end: 444 } },
    };
    expect(chosen(matches, {}, { ...fallback, listenerFilters: [off] })).toBe("default");
  });

  test("a port that some chain names belongs to that chain alone", () => {
    const matches = { any: {}, port: { destinationPort: 443, serverNames: ["a.com"] } };
    expect(chosen(matches, {}, { defaultFilterChain: { name: "default" } })).toBe("default");
  });

  test("source type, address and port", () => {
    const matches = {
      local: { sourceType: "SAME_IP_OR_LOOPBACK" as const },
      near: { sourcePrefixRanges: [net("10.9.0.0/16")] },
      port: { sourcePrefixRanges: [net("10.9.0.0/16")], sourcePorts: [5000] },
    };
    expect(chosen(matches, {})).toBe("port");
    expect(chosen(matches, { source: { address: "127.0.0.1", port: 1 } })).toBe("local");
  });

  test("equal matches are no valid listener", () => {
    expect(chosen({ a: {}, b: {} }, {})).toBe("ambiguous");
  });
});

test("listeners: exact address, any address, then the one that captures", () => {
  const at = (name: string, address: string, portValue: number, more: Partial<Listener> = {}): Listener => ({
    name,
    address: { socketAddress: { address, portValue } },
    trafficDirection: "OUTBOUND",
    ...more,
  });
  const index = indexListeners([
    at("virtualOutbound", "0.0.0.0", 15001, { useOriginalDst: true }),
    at("virtualInbound", "0.0.0.0", 15006, { trafficDirection: "INBOUND" }),
    at("any", "0.0.0.0", 80, { bindToPort: false }),
    at("exact", "10.0.0.1", 80, { bindToPort: false }),
  ]);
  const name = (entry: "outbound" | "inbound" | "bound", address: string, port: number) =>
    selectListener(index, entry, { address, port })?.name;
  expect(name("outbound", "10.0.0.1", 80)).toBe("exact");
  expect(name("outbound", "10.0.0.2", 80)).toBe("any");
  expect(name("outbound", "10.0.0.2", 81)).toBe("virtualOutbound");
  expect(name("inbound", "10.0.0.2", 81)).toBe("virtualInbound");
  expect(name("bound", "10.0.0.1", 80)).toBeUndefined();
});

test("CIDR ranges of both families", () => {
  expect(rangeOf(net("10.0.0.0/8")).contains("10.255.0.1")).toBe(true);
  expect(rangeOf(net("10.0.0.0/8")).contains("11.0.0.1")).toBe(false);
  expect(rangeOf(net("2001:db8::/32")).contains("2001:db8:1::1")).toBe(true);
  expect(rangeOf(net("0.0.0.0/0")).contains("::1")).toBe(false);
  expect(rangeOf(net("::ffff:1.2.3.4/128")).contains("::ffff:102:304")).toBe(true);
});
