import type { ConnectionPool } from "@fairlead/config";
import type { Protocol } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { type ProtocolInput, protocolOptions, speaksHttp2 } from "./protocol-options.ts";

const input = (protocol: Protocol, fields: Partial<ProtocolInput> = {}): ProtocolInput => ({
  protocol,
  sniffs: true,
  preserveCase: false,
  upgrade: "DO_NOT_UPGRADE",
  pool: undefined,
  errorCodes: [],
  autoSni: false,
  autoSanValidation: false,
  ...fields,
});
const http2 = { explicitHttpConfig: { http2ProtocolOptions: {} } };
const downstream = { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } };
const preserved = {
  headerKeyFormat: {
    statefulFormatter: {
      name: "preserve_case",
      typedConfig: {
        "@type":
          "type.googleapis.com/envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
      },
    },
  },
};
const upgrade: ConnectionPool = { http: { h2UpgradePolicy: "UPGRADE" } };

describe("protocolOptions", () => {
  test.each<[string, ProtocolInput, unknown]>([
    ["HTTP/1 needs none", input("HTTP"), undefined],
    ["TCP needs none", input("TCP"), undefined],
    ["gRPC is HTTP/2", input("GRPC"), http2],
    ["sidecars use the client's protocol on undeclared ports", input("Unspecified"), downstream],
    ["gateways do not", input("Unspecified", { sniffs: false }), undefined],
    ["the mesh upgrades declared HTTP", input("HTTP", { upgrade: "UPGRADE" }), http2],
    ["but not undeclared ports", input("Unspecified", { upgrade: "UPGRADE", sniffs: false }), undefined],
    ["and not inbound", input("HTTP", { upgrade: undefined, pool: upgrade }), undefined],
    ["a pool upgrades what it is told to", input("TCP", { pool: upgrade }), http2],
    [
      "a pool may refuse",
      input("HTTP", { upgrade: "UPGRADE", pool: { http: { h2UpgradePolicy: "DO_NOT_UPGRADE" } } }),
      undefined,
    ],
    [
      "the client's protocol goes before an upgrade",
      input("HTTP", { pool: { http: { useClientProtocol: true, h2UpgradePolicy: "UPGRADE" } } }),
      downstream,
    ],
    ["and before HTTP/2", input("GRPC", { pool: { http: { useClientProtocol: true } } }), downstream],
    ["header case", input("HTTP", { preserveCase: true }), { explicitHttpConfig: { httpProtocolOptions: preserved } }],
    [
      "header case of undeclared ports",
      input("Unspecified", { preserveCase: true }),
      { useDownstreamProtocolConfig: { httpProtocolOptions: preserved, http2ProtocolOptions: {} } },
    ],
    [
      "limits",
      input("GRPC", {
        pool: {
          http: {
            idleTimeout: "1m",
            maxRequestsPerConnection: 5,
            maxConcurrentStreams: 7,
            http2KeepAlive: { interval: "1s", timeout: "2s" },
          },
          tcp: { maxConnectionDuration: "1h", idleTimeout: "9s" },
        },
      }),
      {
        commonHttpProtocolOptions: { idleTimeout: "60s", maxConnectionDuration: "3600s", maxRequestsPerConnection: 5 },
        explicitHttpConfig: {
          http2ProtocolOptions: { maxConcurrentStreams: 7, connectionKeepalive: { interval: "1s", timeout: "2s" } },
        },
      },
    ],
    [
      "the TCP idle timeout stands in for HTTP's",
      input("HTTP", { pool: { tcp: { idleTimeout: "9s" } } }),
      { commonHttpProtocolOptions: { idleTimeout: "9s" }, explicitHttpConfig: { httpProtocolOptions: {} } },
    ],
    [
      "names from the request",
      input("HTTP", { autoSni: true, autoSanValidation: true }),
      {
        upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true },
        explicitHttpConfig: { httpProtocolOptions: {} },
      },
    ],
    [
      "one error code",
      input("HTTP", { errorCodes: [503] }),
      {
        explicitHttpConfig: { httpProtocolOptions: {} },
        outlierDetection: {
          errorMatcher: { httpResponseHeadersMatch: { headers: [{ name: ":status", stringMatch: { exact: "503" } }] } },
        },
      },
    ],
  ])("%s", (_, given, expected) => {
    expect(protocolOptions(given)).toEqual(expected);
  });

  test("several error codes are alternatives", () => {
    const options = protocolOptions(input("HTTP", { errorCodes: [500, 503] }));
    expect(options?.outlierDetection?.errorMatcher?.orMatch?.rules).toHaveLength(2);
  });
});

test("a cluster speaks HTTP/2 when its options say so", () => {
  const all: readonly ProtocolInput[] = (["HTTP", "GRPC", "TCP", "Unspecified"] as const).flatMap((protocol) =>
    [undefined, upgrade, { http: { useClientProtocol: true } }].flatMap((pool) =>
      [true, false].flatMap((sniffs) =>
        [true, false].map((preserveCase) => input(protocol, { pool, sniffs, preserveCase })),
      ),
    ),
  );
  for (const one of all)
    expect(speaksHttp2(one), JSON.stringify(one)).toBe(
      protocolOptions(one)?.explicitHttpConfig?.http2ProtocolOptions !== undefined,
    );
});
