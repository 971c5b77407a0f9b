import { at, list, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** A TCP port is found by its address: without one, the ServiceEntry takes the port of every address. */
export const serviceEntryAddresses: Rule = {
  name: "service-entry/addresses",
  codes: ["IST0134"],
  kinds: ["ServiceEntry"],
  check({ spec, document }, report, { meshConfig }) {
    const metadata = meshConfig.defaultConfig?.proxyMetadata ?? {};
    const allocates =
      metadata.ISTIO_META_DNS_CAPTURE === "true" &&
      (metadata.ISTIO_META_DNS_AUTO_ALLOCATE === "true" || metadata.PILOT_ENABLE_IP_AUTOALLOCATE === "true");
    if (allocates || list(spec.addresses).length > 0 || list(at(document.value.status, "addresses")).length > 0) return;
    for (const [index, { protocol }] of records(spec.ports).entries())
      if (text(protocol) === "" || text(protocol).toUpperCase() === "TCP")
        report("IST0134", "has a TCP port and no address: it takes the port of every address", `spec.ports[${index}]`);
  },
};
