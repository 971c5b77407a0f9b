import type { SecretSource, Unsubscribe } from "@fairlead/model";
import type { experimental } from "@grpc/grpc-js";

type Provider = experimental.CertificateProvider;
type RootsListener = Parameters<Provider["addCaCertificateListener"]>[0];
type IdentityListener = Parameters<Provider["addIdentityCertificateListener"]>[0];

/** A secret source as grpc-js takes certificates from: a renewed one is used for the next handshake. */
export function certificateProvider(
  source: SecretSource,
  names: { readonly certificate: string; readonly roots: string },
): Provider {
  const subscriptions = new Map<unknown, Unsubscribe>();
  const follow = (listener: unknown, name: string, send: () => void) => {
    const unsubscribe = source.subscribe((changed) => {
      if (changed === name) send();
    });
    subscriptions.set(listener, unsubscribe);
    // Not at once: grpc-js adds its listener before it is ready for what the listener is told.
    queueMicrotask(() => {
      if (subscriptions.get(listener) === unsubscribe) send();
    });
  };
  const forget = (listener: unknown) => {
    subscriptions.get(listener)?.();
    subscriptions.delete(listener);
  };
  return {
    addCaCertificateListener(listener: RootsListener) {
      follow(listener, names.roots, () => {
        const secret = source.get(names.roots);
        listener(secret?.kind === "trust-bundle" ? { caCertificate: Buffer.from(secret.roots) } : null);
      });
    },
    removeCaCertificateListener: forget,
    addIdentityCertificateListener(listener: IdentityListener) {
      follow(listener, names.certificate, () => {
        const secret = source.get(names.certificate);
        listener(
          secret?.kind === "key-pair"
            ? { certificate: Buffer.from(secret.certificateChain), privateKey: Buffer.from(secret.privateKey) }
            : null,
        );
      });
    },
    removeIdentityCertificateListener: forget,
  };
}
