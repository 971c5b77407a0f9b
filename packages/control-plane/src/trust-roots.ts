import { type Authority, CaError, type FollowedBundle, followBundle, inspectCertificate } from "@fairlead/ca";
import type { MeshConfig } from "@fairlead/config";
import type { Diagnostic, Unsubscribe } from "@fairlead/model";
import { encodeResource, RESOURCE_TYPES, type ResourceSet } from "@fairlead/xds";

const PROXY_CONFIG = RESOURCE_TYPES.find(({ shortName }) => shortName === "PCDS")?.typeUrl ?? "";

/** The roots of a mesh's trust domain, wherever they come from, and what their agents are told of them. */
export interface TrustRoots {
  readonly typeUrl: string;
  /** Istio's `ProxyConfig` (PCDS) with all roots, one resource without name; the same object while nothing changes. */
  resources(): ResourceSet;
  /** Roots besides the authority's, PEM. */
  readonly further: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  update(meshConfig: MeshConfig): void;
  close(): void;
}

/** The roots of a signer of certificates (Kubernetes' `signerName`) that the mesh's `caCertificates` give it, PEM; undefined: none. */
export function certSignerRoots({ caCertificates = [] }: MeshConfig, signerName: string): string | undefined {
  const pems = caCertificates.flatMap(({ pem, certSigners }) =>
    pem && certSigners?.includes(signerName) ? [pem.trim()] : [],
  );
  return pems.length > 0 ? `${pems.join("\n")}\n` : undefined;
}

type Entry = NonNullable<MeshConfig["caCertificates"]>[number];

/**
 * Roots of the authority and of the mesh configuration's `caCertificates`, as PEM or from a SPIFFE bundle endpoint. Those for
 * other trust domains are reported and left out: agents keep one bundle, and its roots may certify any name, the mesh's
 * own too (SPIFFE asks never to merge bundles). `changed` is told when the roots are others.
 *
 * Source: Istio `pilot/pkg/trustbundle`, `pilot/pkg/xds/pcds.go`.
 */
export function trustRoots(
  authority: Authority | undefined,
  changed: (further: readonly string[]) => void,
): TrustRoots {
  const followed = new Map<string, FollowedBundle>();
  const problems = new Map<string, string>();
  let entries: readonly Entry[] = [];
  let trustDomains: readonly string[] = [];
  let own = authority?.trustDomain as string | undefined;
  let further: readonly string[] = [];
  let findings: readonly Diagnostic[] = [];
  let set: ResourceSet = { resources: new Map() };
  let held: string | undefined;

  const finding = (index: number, field: string, severity: Diagnostic["severity"], message: string): Diagnostic => ({
    ...{ code: "ca-certificates", severity, message, path: `caCertificates[${index}]${field}` },
    object: { kind: "MeshConfig", namespace: "", name: "mesh" },
  });
  const rebuild = () => {
    const found = new Set<string>();
    const said: Diagnostic[] = [];
    for (const [index, { pem, spiffeBundleUrl, trustDomains: only = [] }] of entries.entries()) {
      if (only.length > 0 && !only.some((domain) => trustDomains.includes(domain))) {
        const message = `roots of ${only.join(", ")} are not given to agents: one bundle would let them certify names of ${own}`;
        said.push(finding(index, ".trustDomains", "warning", message));
      } else if (pem) {
        try {
          inspectCertificate(pem);
          found.add(pem.trim());
        } catch (error) {
          said.push(finding(index, ".pem", "error", (error as CaError).message));
        }
      } else if (spiffeBundleUrl) {
        const problem = problems.get(spiffeBundleUrl);
        if (problem) said.push(finding(index, ".spiffeBundleUrl", "warning", problem));
        for (const root of followed.get(spiffeBundleUrl)?.bundle?.x509Authorities ?? []) found.add(root.trim());
      }
    }
    further = [...found].sort();
    findings = said;
    const all = [...new Set([...(authority?.trustBundle.x509Authorities ?? []).map((pem) => pem.trim()), ...further])];
    const key = JSON.stringify(all);
    if (key === held) return;
    held = key;
    const resource = encodeResource(PROXY_CONFIG, "", { caCertificatesPem: all.map((pem) => `${pem}\n`) });
    set = { resources: new Map(all.length > 0 ? [["", resource]] : []) };
    changed(further);
  };
  const unsubscribe: Unsubscribe | undefined = authority?.subscribe(rebuild);
  const follow = () => {
    const wanted = new Set(entries.flatMap(({ spiffeBundleUrl }) => (spiffeBundleUrl ? [spiffeBundleUrl] : [])));
    for (const [url, bundle] of followed)
      if (!wanted.has(url)) {
        bundle.close();
        followed.delete(url);
        problems.delete(url);
      }
    for (const url of wanted)
      if (!followed.has(url) && own !== undefined)
        try {
          const onProblem = ({ message }: CaError) => {
            problems.set(url, message);
            rebuild();
          };
          const bundle = followBundle({ trustDomain: own, url, profile: { type: "https_web" }, onProblem });
          bundle.subscribe(() => {
            problems.delete(url);
            rebuild();
          });
          followed.set(url, bundle);
        } catch (error) {
          if (!(error instanceof CaError)) throw error;
          problems.set(url, error.message);
        }
  };
  rebuild();
  return {
    typeUrl: PROXY_CONFIG,
    resources: () => set,
    get further() {
      return further;
    },
    get diagnostics() {
      return findings;
    },
    update({ caCertificates = [], trustDomain, trustDomainAliases = [] }) {
      own = (authority?.trustDomain as string | undefined) ?? trustDomain ?? "cluster.local";
      const domains = [own, ...trustDomainAliases];
      if (caCertificates === entries && JSON.stringify(domains) === JSON.stringify(trustDomains)) return;
      entries = caCertificates;
      trustDomains = domains;
      follow();
      rebuild();
    },
    close() {
      unsubscribe?.();
      for (const bundle of followed.values()) bundle.close();
    },
  };
}
