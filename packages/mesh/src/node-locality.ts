import type { Locality } from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { nodeNamespace } from "./visibility.ts";

const UNKNOWN: Locality = { region: "", zone: "", subzone: "" };

const locality: Query<void, Locality> = {
  name: "node-locality",
  key: () => "",
  compute(read) {
    const stated = read.fact("locality", ({ locality: { region, zone, subzone } }) =>
      region ? `${region}/${zone}/${subzone}` : "",
    );
    if (stated) {
      const [region = "", zone = "", subzone = ""] = stated.split("/");
      return { region, zone, subzone };
    }
    const addresses = read.fact("addresses", (node) => node.ipAddresses.join(",")).split(",");
    const namespace = nodeNamespace(read);
    for (const address of addresses) {
      const workload = read.bucket("workloadAddress", address)?.find((one) => one.namespace === namespace);
      if (workload?.locality.region) return workload.locality;
      for (const key of read.bucket("address", address) ?? []) {
        const endpoint = read
          .bucket("endpoints", key)
          ?.find((one) => one.namespace === namespace && one.addresses.includes(address));
        if (endpoint?.locality.region) return endpoint.locality;
      }
    }
    return UNKNOWN;
  },
  identify: ({ region, zone, subzone }) => `${region}/${zone}/${subzone}`,
};

/** Where the node runs: what it says itself, else what the registries know of its address. One object a locality. */
export function localityOf(read: Reader): Locality {
  return read.project(locality, undefined);
}
