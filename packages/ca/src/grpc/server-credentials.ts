import type { SecretSource } from "@fairlead/model";
import { experimental, type ServerCredentials } from "@grpc/grpc-js";
import { SECRET_NAMES } from "../agent/agent.ts";
import { certificateProvider } from "./certificate-provider.ts";

/**
 * Credentials of a grpc-js server from a secret source, such as an agent: its certificate, renewed for later handshakes
 * without a restart, and its roots for client certificates. `clients`: `required` (default) turns clients without a good
 * certificate away, `asked` lets them in unidentified.
 */
export function serverCredentials(
  source: SecretSource,
  options: { readonly clients?: "required" | "asked" } = {},
): ServerCredentials {
  const provider = certificateProvider(source, SECRET_NAMES);
  return experimental.createCertificateProviderServerCredentials(provider, provider, options.clients !== "asked");
}
