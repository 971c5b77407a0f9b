import type { TlsLimits, TlsSource } from "@fairlead/grpc";
import type { SecretSource } from "@fairlead/model";
import { SECRET_NAMES } from "../agent/agent.ts";

export interface ServerTlsOptions extends TlsLimits {
  /** `required` (default) turns clients without a good certificate away, `asked` lets them in unidentified. */
  readonly clients?: "required" | "asked";
}

/**
 * TLS of a server from a secret source, such as an agent: its certificate, renewed for later handshakes without a restart, and
 * its roots for client certificates. Connections are dropped until the source has both.
 */
export function serverTls(source: SecretSource, options: ServerTlsOptions = {}): TlsSource {
  return {
    clients: "required",
    ...options,
    get() {
      const pair = source.get(SECRET_NAMES.certificate);
      const roots = source.get(SECRET_NAMES.roots);
      if (pair?.kind !== "key-pair" || roots?.kind !== "trust-bundle") return undefined;
      return { certificate: pair.certificateChain, key: pair.privateKey, clientAuthorities: roots.roots };
    },
    subscribe: (changed) => source.subscribe(changed),
  };
}
