import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { contextOptions, type TlsSource } from "./tls.ts";

/** The same certificates for a grpc-js server of one's own, with their changes and the least version of TLS. */
export function grpcJsCredentials(tls: TlsSource): ServerCredentials {
  return new SourceCredentials(tls);
}

/** grpc-js' own for changing certificates has no way to say the version. */
class SourceCredentials extends ServerCredentials {
  readonly #tls: TlsSource;
  #unsubscribe: (() => void) | undefined;

  constructor(tls: TlsSource) {
    super({ requestCert: tls.clients !== "none", rejectUnauthorized: tls.clients === "required" });
    this.#tls = tls;
  }

  /** Null until there is a certificate: connections are dropped then. */
  override _getSecureContextOptions(): SecureContextOptions | null {
    return contextOptions(this.#tls) ?? null;
  }

  override _addWatcher(watcher: Parameters<ServerCredentials["_addWatcher"]>[0]): void {
    super._addWatcher(watcher);
    this.#unsubscribe ??= this.#tls.subscribe(() => this.updateSecureContextOptions(this._getSecureContextOptions()));
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
