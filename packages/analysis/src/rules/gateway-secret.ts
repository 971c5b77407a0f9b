import type { Resource } from "../input.ts";
import { at, labels, record, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";
import { formatSelector, selects } from "../selector.ts";

/** The credential of a Gateway is a Secret beside its Pods that holds a certificate and key. */
export const gatewaySecret: Rule = {
  name: "gateway/secret",
  codes: ["IST0101", "IST0161"],
  check(input, report) {
    for (const resource of input.of("Gateway")) {
      const selector = labels(resource.spec.selector);
      const pod = input.of("Pod").find((one) => selects(selector, one.labels));
      if (pod === undefined || pod.ref.namespace === "") {
        report("IST0101", resource, `the selector ${formatSelector(selector)} selects no Pod`, "spec.selector");
        continue;
      }
      for (const [index, server] of records(resource.spec.servers).entries()) {
        const name = text(at(server, "tls", "credentialName"));
        if (name === "") continue;
        const path = `spec.servers[${index}].tls.credentialName`;
        const slash = name.indexOf("/");
        const [namespace, short] =
          slash < 0 ? [pod.ref.namespace, name] : [name.slice(0, slash), name.slice(slash + 1)];
        const secret = input.find("Secret", namespace, short);
        if (secret === undefined)
          report("IST0101", resource, `there is no Secret ${namespace}/${short} for credentialName`, path);
        else if (!isCredential(secret))
          report(
            "IST0161",
            resource,
            `the Secret ${namespace}/${short} holds no certificate and key that can be used`,
            path,
          );
      }
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
