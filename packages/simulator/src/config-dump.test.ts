import { expect, test } from "vitest";
import { resourcesFromConfigDump } from "./config-dump.ts";
import { SimulatorError } from "./error.ts";

test("names of fields change, names of users and free values do not", () => {
  const resources = resourcesFromConfigDump({
    configs: [
      { "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", bootstrap: { node: { id: "a" } } },
      {
        static_clusters: [{ cluster: { name: "own_cluster", connect_timeout: "1s", type: "STATIC" } }],
        dynamic_active_clusters: [
          {
            version_info: "1",
            cluster: {
              "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
              name: "a_b",
              eds_cluster_config: { service_name: "x_y" },
              outlier_detection: { consecutive_5xx: 3 },
              transport_socket_matches: [{ name: "m", match: { tls_mode: "istio" }, transport_socket: { name: "t" } }],
              metadata: { filter_metadata: { some_filter: { snake_key: [{ deep_key: 1 }] } } },
            },
          },
        ],
        dynamic_warming_clusters: [{ cluster: { name: "warming" } }],
      },
      {
        dynamic_listeners: [
          { name: "l", active_state: { listener: { name: "l", bind_to_port: false } } },
          { name: "w", warming_state: { listener: { name: "w" } } },
        ],
      },
      {
        static_route_configs: [{ route_config: { virtual_hosts: [] } }],
        dynamic_route_configs: [
          {
            route_config: {
              name: "80",
              virtual_hosts: [
                { name: "v", typed_per_filter_config: { my_filter: { typed_value: { header_name: "a_b" } } } },
              ],
            },
          },
        ],
      },
      { dynamic_endpoint_configs: [{ endpoint_config: { cluster_name: "x_y", endpoints: [{ lb_endpoints: [] }] } }] },
    ],
  });
  expect(resources).toEqual({
    listeners: [{ name: "l", bindToPort: false }],
    routes: [
      {
        name: "80",
        virtualHosts: [{ name: "v", typedPerFilterConfig: { my_filter: { typedValue: { headerName: "a_b" } } } }],
      },
    ],
    clusters: [
      { name: "own_cluster", connectTimeout: "1s", type: "STATIC" },
      {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        name: "a_b",
        edsClusterConfig: { serviceName: "x_y" },
        outlierDetection: { consecutive5xx: 3 },
        transportSocketMatches: [{ name: "m", match: { tls_mode: "istio" }, transportSocket: { name: "t" } }],
        metadata: { filterMetadata: { some_filter: { snake_key: [{ deep_key: 1 }] } } },
      },
    ],
    endpoints: [{ clusterName: "x_y", endpoints: [{ lbEndpoints: [] }] }],
  });
});

test.each([
  ["no JSON", "{", "it is no JSON"],
  ["something else", "[]", "no list of configs"],
])("%s is an error", (_, dump, words) => {
  expect(() => resourcesFromConfigDump(dump)).toThrow(SimulatorError);
  expect(() => resourcesFromConfigDump(dump)).toThrow(words);
});
