// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, flag, type Infer, list, message, nullable, text } from "../../schema/message.ts";

export const tlsCertificate = message({
  serverCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
});
export type TlsCertificate = Infer<typeof tlsCertificate>;

export const serverTls = message({
  httpsRedirect: flag(),
  mode: choice("PASSTHROUGH", "SIMPLE", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"),
  serverCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  caCrl: text(),
  credentialName: text(),
  credentialNames: list(text(), { min: 1, max: 2 }),
  caCertCredentialName: text(),
  tlsCertificates: list(tlsCertificate, { min: 1, max: 2 }),
  subjectAltNames: list(text()),
  verifyCertificateSpki: list(text()),
  verifyCertificateHash: list(text()),
  minProtocolVersion: choice("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"),
  maxProtocolVersion: choice("TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"),
  cipherSuites: list(text()),
  ecdhCurves: list(text()),
  insecureSkipVerify: nullable(flag()),
});
/** TLS of a server. Default mode: PASSTHROUGH. */
export type ServerTls = Infer<typeof serverTls>;
