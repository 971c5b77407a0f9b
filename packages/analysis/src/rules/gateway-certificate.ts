import type { Resource } from "../input.ts";
import { type Json, labels, record, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** One certificate behind two Gateways breaks connections that browsers reuse. */
export const gatewayCertificate: Rule = {
  name: "gateway/duplicate-certificate",
  codes: ["IST0138"],
  check(input, report) {
    const servers = (resource: Resource) =>
      records(resource.spec.servers)
        .map(({ tls }) => tls)
        .filter((tls) => tls !== undefined)
        .map(record);
    for (const resource of input.of("Gateway")) {
      const selector = labels(resource.spec.selector);
      for (const other of input.of("Gateway")) {
        const theirs = labels(other.spec.selector);
        if (other === resource || Object.entries(selector).some(([key, value]) => theirs[key] !== value)) continue;
        for (const own of servers(resource))
          for (const their of servers(other))
            if (sameCertificate(own, their))
              report(
                "IST0138",
                resource,
                `shares a certificate with ${other.fullName}: reused connections end at the wrong one (404)`,
                "metadata.name",
              );
      }
    }
  },
};

function sameCertificate(a: Json, b: Json): boolean {
  const [nameA, nameB] = [text(a.credentialName), text(b.credentialName)];
  if (nameA !== "" || nameB !== "") return nameA === nameB;
  return (
    text(a.serverCertificate) !== "" &&
    a.serverCertificate === b.serverCertificate &&
    text(a.privateKey) !== "" &&
    a.privateKey === b.privateKey
  );
}
