import { describe, expect, it } from "vitest";
import { enumTable, messageNames, messageTable } from "./table.ts";

describe("the tables made from the protos", () => {
  it.each([
    ["envoy.config.cluster.v3.OutlierDetection", "consecutive_5xx", "consecutive5xx"],
    ["envoy.config.core.v3.Http1ProtocolOptions", "accept_http_10", "acceptHttp10"],
    [
      "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      "proxy_100_continue",
      "proxy100Continue",
    ],
    ["envoy.config.trace.v3.ZipkinConfig", "trace_id_128bit", "traceId128bit"],
  ])("name fields as protoc does: %s.%s", (message, proto, json) => {
    expect(messageTable(message).byName.get(proto)?.jsonName).toBe(json);
    expect(messageTable(message).byName.get(json)).toBe(messageTable(message).byName.get(proto));
  });

  it.each([
    ["envoy.config.cluster.v3.Cluster", "dnsJitter", 58],
    ["envoy.config.trace.v3.ZipkinConfig", "collectorService", 9],
    ["envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy", "statPrefix", 1],
    ["stats.PluginConfig", "metrics", 8],
  ])("have what is newer than the shipped protos: %s.%s", (message, field, number) => {
    expect(messageTable(message).byName.get(field)?.number).toBe(number);
  });

  it("know presence, lists, maps and oneofs", () => {
    const cluster = messageTable("envoy.config.cluster.v3.Cluster");
    expect(cluster.byName.get("name")).toMatchObject({ presence: false, repeated: false, oneof: undefined });
    expect(cluster.byName.get("type")).toMatchObject({ presence: true, oneof: "cluster_discovery_type", kind: "enum" });
    expect(cluster.byName.get("filters")).toMatchObject({ repeated: true, packed: false, kind: "message" });
    expect(cluster.byName.get("typedExtensionProtocolOptions")).toMatchObject({ mapKey: "string" });
    const retry = messageTable("envoy.config.route.v3.RetryPolicy");
    expect(retry.byName.get("retriableStatusCodes")).toMatchObject({ repeated: true, packed: true, kind: "uint32" });
  });

  it("resolve every type of every field", () => {
    const names = messageNames();
    expect(names.length).toBeGreaterThan(1_300);
    for (const name of names)
      for (const field of messageTable(name).fields) {
        if (field.kind === "message") expect(() => messageTable(field.type), `${name}.${field.jsonName}`).not.toThrow();
        if (field.kind === "enum")
          expect(enumTable(field.type).numbers.size, `${name}.${field.jsonName}`).toBeGreaterThan(0);
      }
  });
});
