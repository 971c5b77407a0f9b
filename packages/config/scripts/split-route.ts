import { type ConfigObject, virtualService } from "../src/index.ts";

/** What benchmarks take for a VirtualService: one rule for a user, and a split with retries for the rest. */
export function splitRoute(name: string): ConfigObject<"VirtualService"> {
  return virtualService(name, {
    hosts: [`${name}.example.com`],
    http: [
      {
        match: [{ uri: { prefix: "/v2" }, headers: { "end-user": { exact: "jason" } } }],
        route: [{ destination: { host: name, subset: "v2" } }],
      },
      {
        route: [
          { destination: { host: name, subset: "v1" }, weight: 90 },
          { destination: { host: name, subset: "v2" }, weight: 10 },
        ],
        timeout: "5s",
        retries: { attempts: 3, perTryTimeout: "2s", retryOn: "5xx,reset" },
      },
    ],
  });
}
