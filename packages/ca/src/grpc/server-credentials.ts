import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { SecretSource, Unsubscribe } from "@fairlead/model";
import { ServerCredentials } from "@grpc/grpc-js";
import { SECRET_NAMES } from "../agent/agent.ts";

export interface ServerCredentialsOptions {
  /** `required` (default) turns clients without a good certificate away, `asked` lets them in unidentified. */
  readonly clients?: "required" | "asked";
  /** Default `TLSv1.3`; the other for clients that cannot, such as Envoys whose configuration does not say that they may. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
}

/**
 * Credentials of a grpc-js server from a secret source, such as an agent: its certificate, renewed for later handshakes
 * without a restart, and its roots for client certificates. Sessions are not resumed: a resumed one would skip the check
 * of the client's certificate.
 */
export function serverCredentials(source: SecretSource, options: ServerCredentialsOptions = {}): ServerCredentials {
  return new SecretCredentials(source, options);
}

/** grpc-js' own for changing certificates has no way to say the version. */
class SecretCredentials extends ServerCredentials {
  readonly #source: SecretSource;
  readonly #minVersion: "TLSv1.3" | "TLSv1.2";
  #unsubscribe: Unsubscribe | undefined;

  constructor(source: SecretSource, { clients = "required", minTlsVersion = "TLSv1.3" }: ServerCredentialsOptions) {
    super({ requestCert: true, rejectUnauthorized: clients === "required" });
    this.#source = source;
    this.#minVersion = minTlsVersion;
  }

  /** Null until the source has both: connections are dropped then. */
  override _getSecureContextOptions(): SecureContextOptions | null {
    const pair = this.#source.get(SECRET_NAMES.certificate);
    const roots = this.#source.get(SECRET_NAMES.roots);
    if (pair?.kind !== "key-pair" || roots?.kind !== "trust-bundle") return null;
    return {
      cert: pair.certificateChain,
      key: pair.privateKey,
      ca: roots.roots,
      minVersion: this.#minVersion,
      secureOptions: constants.SSL_OP_NO_TICKET,
    };
  }

  override _addWatcher(watcher: Parameters<ServerCredentials["_addWatcher"]>[0]): void {
    super._addWatcher(watcher);
    this.#unsubscribe ??= this.#source.subscribe(() =>
      this.updateSecureContextOptions(this._getSecureContextOptions()),
    );
  }

  override _removeWatcher(watcher: Parameters<ServerCredentials["_removeWatcher"]>[0]): void {
    super._removeWatcher(watcher);
    if (this.getWatcherCount() > 0) return;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}
