import { at, labels, record, records, text } from "../json.ts";
import type { Resource } from "../resource.ts";
import type { Rule } from "../rule.ts";
import { EVERYWHERE, PODS_BY_LABEL, selectedPods } from "../selection.ts";
import { formatSelector } from "../selector.ts";

/** The credential of a Gateway is a Secret that holds a certificate and key, beside its Pods: of several places one will do. */
export const gatewaySecret: Rule = {
  name: "gateway/secret",
  codes: ["IST0101", "IST0161"],
  kinds: ["Gateway"],
  indexes: [PODS_BY_LABEL],
  check({ spec }, report, world) {
    const selector = labels(spec.selector);
    const places = new Set([...selectedPods(world, EVERYWHERE, selector)].map(({ ref }) => ref.namespace));
    if (places.size === 0 || places.has("")) {
      report("IST0101", `the selector ${formatSelector(selector)} selects no Pod`, "spec.selector");
      return;
    }
    for (const [index, server] of records(spec.servers).entries()) {
      const name = text(at(server, "tls", "credentialName"));
      if (name === "") continue;
      const slash = name.indexOf("/");
      const short = name.slice(slash + 1);
      const among = slash < 0 ? [...places] : [name.slice(0, slash)];
      const secrets = among.flatMap((namespace) => world.find("Secret", namespace, short) ?? []);
      const path = `spec.servers[${index}].tls.credentialName`;
      const [secret] = secrets;
      if (secret === undefined) report("IST0101", `there is no Secret ${among[0]}/${short} for credentialName`, path);
      else if (!secrets.some(isCredential))
        report("IST0161", `the Secret ${secret.fullName} holds no certificate and key that can be used`, path);
    }
  },
};

/** Certificate and key under the names of TLS secrets, or of generic ones; the certificate reads as PEM. */
function isCredential({ document }: Resource): boolean {
  const data = record(document.value.data);
  const [certificate, key] = data["tls.crt"] === undefined ? [data.cert, data.key] : [data["tls.crt"], data["tls.key"]];
  if (text(certificate) === "" || text(key) === "") return false;
  return looksLikeCertificate(text(certificate));
}

function looksLikeCertificate(base64: string): boolean {
  try {
    const pem = atob(base64.replaceAll(/\s/g, ""));
    const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
    if (body === undefined) return false;
    const der = atob(body.replaceAll(/\s/g, ""));
    // A DER SEQUENCE whose long-form length spans the rest.
    const size = (der.charCodeAt(2) << 8) | der.charCodeAt(3);
    return der.charCodeAt(0) === 0x30 && der.charCodeAt(1) === 0x82 && der.length === size + 4;
  } catch {
    return false;
  }
}
