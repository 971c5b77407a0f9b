// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, flag, type Infer, list, message, nullable, text } from "../../schema/message.ts";

export const clientTls = message({
  mode: choice("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"),
  clientCertificate: text(),
  privateKey: text(),
  caCertificates: text(),
  credentialName: text(),
  subjectAltNames: list(text()),
  sni: text(),
  insecureSkipVerify: nullable(flag()),
  caCrl: text(),
});
/** TLS towards a host. Without it, the mesh decides (mutual TLS where the endpoint takes it). */
export type ClientTls = Infer<typeof clientTls>;
