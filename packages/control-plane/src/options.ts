import type { Authority } from "@fairlead/ca";
import type { Authenticator, ListenOptions as CertificateListenOptions } from "@fairlead/ca/grpc";
import type { ConfigStore, MeshConfig, MeshNetworks, ParsedDocument } from "@fairlead/config";
import type { CompliancePolicy } from "@fairlead/mesh";
import type { Collection } from "@fairlead/model";
import type { Registry } from "@fairlead/registry";
import type { Credentials } from "@fairlead/registry/credentials";
import type { DiscoveryServerOptions } from "@fairlead/xds/server";
import type { JwksOptions } from "./jwks/options.ts";
import type { SettingsFiles } from "./mesh-settings.ts";
import type { RolloutOptions } from "./rollout/rollout.ts";
import type { Clock, DebounceOptions } from "./scheduler.ts";

export interface ControlPlaneOptions {
  /** Configuration. Stays the caller's to close. */
  readonly config: ConfigStore;
  /**
   * Kubernetes objects that are no configuration (`documents` of a text or directory store): the Ingresses among them are
   * served as the Gateways and VirtualServices that they stand for. Stays the caller's to close.
   */
  readonly documents?: Collection<ParsedDocument>;
  /**
   * Whether all Secrets and ConfigMaps that there are are among `documents`: then a Gateway of the Gateway API that names
   * another one is refused. Default: not so, and they are taken to be there.
   */
  readonly credentialsKnown?: () => boolean;
  /** Services besides those of ServiceEntries, which come from `config`. Earlier ones take precedence. Closed with the control plane. */
  readonly registries?: readonly Registry[];
  /**
   * Certificates and keys that Gateways and DestinationRules name (`credentialName`), such as `manifestCredentials` of
   * `@fairlead/registry/credentials`. Each proxy is given what its own resources name, of its own namespace (of others
   * `kubernetes-gateway://NAMESPACE/NAME` that a ReferenceGrant among `documents` allows), and never over plaintext TCP without
   * `insecure`. Closed with the control plane.
   */
  readonly credentials?: Credentials;
  /**
   * Hosts of ServiceEntries without addresses get virtual ones (of 240.240.0.0/16 and 2001:2::/48), for proxies that answer
   * DNS themselves, as Istio's controller gives them. Default: true.
   */
  readonly allocateAddresses?: boolean;
  /** Mesh-wide settings, or the files that hold them (then watched). Default: Istio's defaults. */
  readonly mesh?:
    | { readonly meshConfig?: MeshConfig; readonly meshNetworks?: MeshNetworks }
    | { readonly files: SettingsFiles };
  /** Issues the certificates of the control plane itself and, with `listen({ certificates })`, of workloads. Stays the caller's to close. */
  readonly authority?: Authority;
  /**
   * Gives the configuration on to other control planes, ours (`xdsConfigStore` of `@fairlead/xds/config`) or istiod, on every
   * address that it listens on: over TLS to those that prove to be of the root namespace, over plaintext to all who reach
   * it. Default: no.
   */
  readonly shareConfig?: boolean;
  readonly jwks?: JwksOptions;
  /**
   * Restricts all TLS of proxies and of this server, whatever configuration says: `fips-140-2`, `fips-140-3` (both need an Envoy built for it to
   * mean what they say) or `pqc` (post-quantum key exchange). Istio's `COMPLIANCE_POLICY`.
   */
  readonly compliancePolicy?: CompliancePolicy;
  /**
   * Gives new configuration (objects, services of ServiceEntries, settings) to some proxies first and takes it back from all when one
   * refuses it or they are not well. Endpoints, Pods and Services go to everybody at once. Default: everything does.
   */
  readonly rollout?: RolloutOptions;
  readonly debounce?: DebounceOptions;
  readonly server?: Omit<DiscoveryServerOptions, "authorize">;
  readonly clock?: Clock;
}

export interface ListenOptions {
  /** Address of the discovery server, `HOST:PORT` or `unix:/path`. */
  readonly ads: string;
  /**
   * `mtls` (the default with an authority): TLS with certificates of the authority; a proxy must be who its certificate says.
   * `plaintext`: nobody is checked; on other addresses than loopback and Unix sockets it needs `insecure`.
   */
  readonly security?: "mtls" | "plaintext";
  /**
   * How else than by a certificate of the mesh a proxy of this address may prove who it is: tokens (`jwt`, `tokenReview`) or a
   * trusted proxy's word (`xfcc`). With them everybody must prove something, over plaintext and Unix sockets too.
   */
  readonly authenticators?: readonly Authenticator[];
  /** Default `TLSv1.3`, here and for the certificate service. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
  readonly insecure?: boolean;
  /** Host names that the server's certificate carries besides the host of `ads`. */
  readonly serverNames?: readonly string[];
  /** Address of health, metrics and debug pages (HTTP). */
  readonly http?: string;
  /**
   * Who may read debug pages from another machine, which nobody may otherwise: callers whom these find to be of one of
   * `namespaces` (default: the root namespace). What they send passes in the clear: put a TLS proxy before the address.
   */
  readonly debug?: { readonly authenticators: readonly Authenticator[]; readonly namespaces?: readonly string[] };
  /** Certificate service for workloads, over TLS: its address, and who may ask. Needs an authority. */
  readonly certificates?: Omit<CertificateListenOptions, "authority" | "tls">;
}

/** Bound addresses. */
export interface Listening {
  readonly ads: string;
  readonly http: string | undefined;
  readonly certificates: string | undefined;
}
