import { at, type Json, record, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** TLS towards a host without CA certificates trusts any server. */
export const serverVerification: Rule = {
  name: "destination-rule/server-verification",
  codes: ["IST0128", "IST0129"],
  kinds: ["DestinationRule"],
  check({ spec }, report) {
    const trusting = (tls: Json) =>
      (tls.mode === "SIMPLE" || tls.mode === "MUTUAL") &&
      text(tls.caCertificates) === "" &&
      !(text(tls.credentialName) !== "" && spec.workloadSelector !== undefined);
    const say = (mode: unknown) =>
      `TLS of mode ${String(mode)} to ${text(spec.host)} without caCertificates trusts any server`;
    const tls = record(at(spec, "trafficPolicy", "tls"));
    if (trusting(tls)) report("IST0128", say(tls.mode), "spec.trafficPolicy.tls");
    for (const [index, port] of records(at(spec, "trafficPolicy", "portLevelSettings")).entries())
      if (trusting(record(port.tls)))
        report("IST0129", say(record(port.tls).mode), `spec.trafficPolicy.portLevelSettings[${index}].tls`);
  },
};
