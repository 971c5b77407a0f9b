import { type Json, labels, record, records, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { ResourceIndex } from "../resource-index.ts";
import type { Rule } from "../rule.ts";
import { selects } from "../selector.ts";

/** Gateways by the certificates of their servers. */
const BY_CERTIFICATE: ResourceIndex = {
  name: "certificates",
  kinds: ["Gateway"],
  keys: (gateway) => certificates(gateway),
};

/** One certificate behind two Gateways breaks connections that browsers reuse. */
export const gatewayCertificate: Rule = {
  name: "gateway/duplicate-certificate",
  codes: ["IST0138"],
  kinds: ["Gateway"],
  indexes: [BY_CERTIFICATE],
  check(resource, report, world) {
    const selector = labels(resource.spec.selector);
    for (const certificate of certificates(resource))
      for (const other of world.under(BY_CERTIFICATE, certificate))
        if (other !== resource && selects(selector, labels(other.spec.selector)))
          report(
            "IST0138",
            `shares a certificate with ${other.fullName}: reused connections end at the wrong one (404)`,
            "metadata.name",
          );
  },
};

function certificates({ spec }: Resource): readonly string[] {
  return records(spec.servers).flatMap(({ tls }) => (tls === undefined ? [] : certificateOf(record(tls))));
}

/** A credential's name, or else the files of certificate and key. */
function certificateOf(tls: Json): readonly string[] {
  const name = text(tls.credentialName);
  if (name !== "") return [`credential ${name}`];
  const files = [text(tls.serverCertificate), text(tls.privateKey)];
  return files.includes("") ? [] : [`files ${JSON.stringify(files)}`];
}
