import { createPrivateKey } from "node:crypto";
import type { SecretSource, SpiffeId } from "@fairlead/model";
import { SECRET_NAMES } from "../agent/agent.ts";
import { readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { BundleSource, TrustBundle } from "../trust/bundle.ts";
import { marshalSpiffeBundle } from "../trust/spiffe-bundle.ts";
import { type BundleMap, encodeJwtBundles, encodeX509Bundles, encodeX509Svids } from "./wire.ts";

export interface WorkloadApiOptions {
  /** The workload's identity, certificate and roots: an agent. */
  readonly agent: SecretSource & { readonly identity: SpiffeId };
  /** The bundle of the workload's own trust domain, for its JWT keys; its roots are the agent's where it is absent. */
  readonly bundle?: BundleSource;
  /** Bundles of foreign trust domains, such as followed ones. */
  readonly federated?: readonly BundleSource[];
}

/** What the streaming methods answer at this moment; each throws CA_NOT_READY while there is nothing to answer with. */
export interface WorkloadAnswers {
  x509Svids(): Buffer;
  x509Bundles(): Buffer;
  jwtBundles(): Buffer;
  /** The bundle of a trust domain, own or foreign. */
  bundleOf(trustDomain: string): TrustBundle | undefined;
}

export function workloadAnswers(options: WorkloadApiOptions): WorkloadAnswers {
  const { agent, federated = [] } = options;
  const { trustDomain } = agent.identity;
  const notReady = (what: string) => new CaError("CA_NOT_READY", `the workload has no ${what} yet`);
  const ownRoots = (): Buffer => {
    const roots = agent.get(SECRET_NAMES.roots);
    if (roots?.kind !== "trust-bundle") throw notReady("trust bundle");
    return ders(roots.roots);
  };
  /** Foreign bundles by domain: one of our own domain is none, the last of a domain counts, nothing is merged. */
  const foreign = (): ReadonlyMap<string, TrustBundle> =>
    new Map(
      federated
        .map(({ bundle }) => bundle)
        .filter((bundle) => bundle !== undefined)
        .filter((bundle) => bundle.trustDomain !== trustDomain)
        .map((bundle) => [bundle.trustDomain as string, bundle]),
    );
  const foreignRoots = (): BundleMap =>
    new Map([...foreign()].map(([domain, bundle]) => [`spiffe://${domain}`, ders(bundle.x509Authorities.join("\n"))]));
  return {
    x509Svids() {
      const own = agent.get(SECRET_NAMES.certificate);
      if (own?.kind !== "key-pair") throw notReady("certificate");
      const key = createPrivateKey(own.privateKey).export({ type: "pkcs8", format: "der" });
      const svid = { spiffeId: agent.identity.uri, certificates: ders(own.certificateChain), key, bundle: ownRoots() };
      return encodeX509Svids([svid], foreignRoots());
    },
    x509Bundles: () => encodeX509Bundles(new Map([[`spiffe://${trustDomain}`, ownRoots()], ...foreignRoots()])),
    jwtBundles() {
      const own = options.bundle?.bundle;
      if (own === undefined) throw notReady("JWT bundle");
      const all: readonly TrustBundle[] = [own, ...foreign().values()];
      return encodeJwtBundles(
        new Map(all.map((bundle) => [`spiffe://${bundle.trustDomain}`, Buffer.from(jwtKeys(bundle))])),
      );
    },
    bundleOf: (domain) => (domain === trustDomain ? options.bundle?.bundle : foreign().get(domain)),
  };
}

/** The JWT part of a bundle as a JWK set. */
const jwtKeys = (bundle: TrustBundle): string => marshalSpiffeBundle({ ...bundle, x509Authorities: [] });

const ders = (pem: string): Buffer => Buffer.concat(readCertificates(pem).map(({ der }) => der));
