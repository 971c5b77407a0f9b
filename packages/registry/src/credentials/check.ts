import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** What was found out: a fault forbids use, a warning does not. Neither has any of the content in it. */
export interface Verdict {
  readonly fault?: string;
  readonly warning?: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Every certificate of a text, or nothing when one of them cannot be read. */
function certificatesIn(pem: string): readonly X509Certificate[] | undefined {
  try {
    return [...pem.matchAll(CERTIFICATE)].map(([block]) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function validity(certificates: readonly X509Certificate[], name: string, now: number): Verdict {
  for (const { validFromDate, validToDate } of certificates) {
    if (now > validToDate.getTime())
      return { warning: `a certificate of ${name} has ended (${validToDate.toISOString()})` };
    if (now < validFromDate.getTime())
      return { warning: `a certificate of ${name} is not valid yet (${validFromDate.toISOString()})` };
  }
  return {};
}

/** Whether both can be read and belong together. `now` in milliseconds. */
export function checkKeyPair(
  chain: string,
  key: string,
  names: { readonly certificate: string; readonly key: string },
  now: number,
): Verdict {
  const certificates = certificatesIn(chain);
  const [leaf] = certificates ?? [];
  if (!certificates || !leaf) return { fault: `${names.certificate} has no certificates that can be read as PEM` };
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch {
    return { fault: `${names.key} is no private key that can be read as PEM` };
  }
  if (!leaf.checkPrivateKey(privateKey))
    return { fault: `${names.key} is not the key of the first certificate of ${names.certificate}` };
  return validity(certificates, names.certificate, now);
}

export function checkRoots(pem: string, name: string, now: number): Verdict {
  const certificates = certificatesIn(pem);
  return certificates && certificates.length > 0
    ? validity(certificates, name, now)
    : { fault: `${name} has no certificates that can be read as PEM` };
}

/** Gives the fault, if there is one. */
export function checkRevocations(pem: string, name: string): string | undefined {
  return /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/.test(pem)
    ? undefined
    : `${name} has no revocation list that can be read as PEM`;
}

/** Whether these are the bytes of an OCSP response that answers (RFC 6960, section 4.2.1): a SEQUENCE that begins with `successful` and ends with them. */
export function isOcspAnswer(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes;
  const long = first >= 0x80 ? first - 0x80 : 0;
  const content = 2 + long;
  if (tag !== 0x30 || long > 4 || bytes.length < content + 3) return false;
  const length = long === 0 ? first : Buffer.from(bytes).readUIntBE(2, long);
  const status = Buffer.from(bytes.subarray(content, content + 3));
  return bytes.length === content + length && status.equals(Buffer.from([0x0a, 0x01, 0x00]));
}
