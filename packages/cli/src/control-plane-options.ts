import { hostname } from "node:os";
import type { Authority } from "@fairlead/ca";
import {
  type Authenticator,
  type ImpersonationRule,
  issuerKeys,
  joinTokens,
  jwt,
  nodeImpersonation,
  tokenReview,
  xfcc,
} from "@fairlead/ca/grpc";
import { distributeRoots, type KubernetesSigners, kubernetesPods, kubernetesSigners } from "@fairlead/ca/kubernetes";
import type { MeshConfig } from "@fairlead/config";
import { type ControlPlaneOptions, certSignerRoots, type ListenOptions } from "@fairlead/control-plane";
import {
  type KubernetesClient,
  kubernetesClient,
  type LeaderElection,
  leaderElection,
  reviewToken,
} from "@fairlead/kubernetes";
import { parseSpiffeId, workloadSpiffeId } from "@fairlead/model";
import { CliError } from "./cli-error.ts";
import type { ControlPlaneFile } from "./control-plane-file.ts";
import { readText } from "./input.ts";

/** The mesh that is served. */
export interface ServedMesh {
  readonly trustDomain: string;
  readonly rootNamespace: string;
  /** The settings of now. */
  readonly meshConfig: () => MeshConfig;
  /** The cluster that the mesh is of, which is asked where the file names no other. */
  readonly cluster?: KubernetesClient;
}

/** What a file of settings means to a control plane. */
export interface FileOptions {
  readonly plane: Pick<ControlPlaneOptions, "compliancePolicy" | "jwks" | "server">;
  readonly listen: Pick<ListenOptions, "authenticators" | "debug" | "minTlsVersion" | "serverNames">;
  readonly certificates: Omit<NonNullable<ListenOptions["certificates"]>, "address">;
  /** Writes the roots of the authority into the cluster, while this replica leads. Absent: nobody asked for it. */
  readonly distributeRoots?: (authority: Authority, say: (text: string) => void) => LeaderElection;
}

/** The life of a token from a file; the process that reads it ends before. Seconds. */
const LIFE = 315_360_000;

/** Makes the options of a settings file; what it opens is closed with `stack`. */
export async function controlPlaneOptions(
  file: ControlPlaneFile,
  mesh: ServedMesh,
  stack: AsyncDisposableStack,
): Promise<FileOptions> {
  const { compliancePolicy, jwks, minTlsVersion, discovery: { serverNames, ...server } = {} } = file;
  const { kubeconfig } = file.kubernetes ?? {};
  let opened = kubeconfig === undefined ? mesh.cluster : undefined;
  const client = () => {
    opened ??= stack.adopt(kubernetesClient(kubeconfig === undefined ? { inCluster: true } : { kubeconfig }), (made) =>
      made.close(),
    );
    return opened;
  };
  const authenticators = await authenticatorsOf(file, mesh, client);
  const { rateLimits, subordinates, admins, nodeAgents, signerDomain } = file.certificates ?? {};
  if (nodeAgents && !file.authenticators?.kubernetes)
    throw new CliError("usage", "nodeAgents needs authenticators.kubernetes, which finds out the agent's pod");
  const { roots, refreshSeconds, ...fetching } = jwks ?? {};
  const debug = file.debug && (await debugOf(file.debug, authenticators, mesh));
  return {
    plane: {
      ...given({ compliancePolicy }),
      server: given(server),
      ...(jwks
        ? {
            jwks: {
              ...given(fetching),
              ...(roots === undefined ? {} : { roots: await readText(roots) }),
              ...(refreshSeconds === undefined ? {} : { refresh: refreshSeconds * 1000 }),
            },
          }
        : {}),
    },
    listen: {
      ...given({ minTlsVersion, serverNames, debug }),
      ...(authenticators.length > 0 ? { authenticators } : {}),
    },
    certificates: {
      authenticators,
      ...given({ rateLimits: rateLimits && given(rateLimits) }),
      ...(subordinates ? { subordinates: oneOf(subordinates) } : {}),
      ...(admins ? { admins: oneOf(admins) } : {}),
      ...(nodeAgents ? { impersonation: impersonationBy(nodeAgents, client(), stack) } : {}),
      ...(signerDomain ? { signers: signersOf(signerDomain, mesh, client(), stack) } : {}),
    },
    ...(file.kubernetes?.distributeRoots ? { distributeRoots: rootDistribution(client(), mesh) } : {}),
  };
}

function impersonationBy(
  trustedAccounts: readonly string[],
  client: KubernetesClient,
  stack: AsyncDisposableStack,
): ImpersonationRule {
  const { pods } = stack.adopt(kubernetesPods(client), (made) => made.close());
  return nodeImpersonation({ trustedAccounts, pods });
}

function signersOf(
  domain: string,
  { trustDomain, meshConfig }: ServedMesh,
  client: KubernetesClient,
  stack: AsyncDisposableStack,
): KubernetesSigners {
  const roots = (signerName: string) => certSignerRoots(meshConfig(), signerName);
  return stack.adopt(kubernetesSigners({ client, trustDomain, domain, roots }), (signers) => signers.close());
}

function rootDistribution(client: KubernetesClient, mesh: ServedMesh): NonNullable<FileOptions["distributeRoots"]> {
  return (authority, say) =>
    leaderElection(client, {
      namespace: mesh.rootNamespace,
      name: "fairlead-roots",
      identity: `${hostname()}-${process.pid}`,
      onElected: (signal) =>
        void distributeRoots({ client, authority, signal, onProblem: ({ message }) => say(`roots: ${message}`) }),
      onError: ({ message }) => say(`roots: ${message}`),
    });
}

async function authenticatorsOf(
  { authenticators: { kubernetes, jwt: issuers = [], xfcc: proxies } = {} }: ControlPlaneFile,
  { trustDomain }: ServedMesh,
  client: () => KubernetesClient,
): Promise<readonly Authenticator[]> {
  const found: Authenticator[] = [];
  if (proxies) found.push(xfcc(proxies));
  for (const { issuer, audiences, jwksUri, roots } of issuers) {
    const pinned = roots === undefined ? {} : { roots: await readText(roots) };
    const keys = issuerKeys({ issuer, ...given({ jwksUri }), ...pinned });
    found.push(jwt({ issuer, audiences, trustDomain, keys }));
  }
  if (kubernetes) {
    const asked = client();
    const review = (token: string, audiences: readonly string[]) => reviewToken(asked, token, audiences);
    found.push(tokenReview({ review, trustDomain, ...given({ audiences: kubernetes.audiences }) }));
  }
  return found;
}

async function debugOf(
  { namespaces, tokenFile }: NonNullable<ControlPlaneFile["debug"]>,
  authenticators: readonly Authenticator[],
  { trustDomain, rootNamespace }: ServedMesh,
): Promise<NonNullable<ListenOptions["debug"]>> {
  if (tokenFile === undefined && authenticators.length === 0)
    throw new CliError("usage", "debug needs a tokenFile or authenticators: nobody could prove anything");
  const own = joinTokens();
  if (tokenFile !== undefined) {
    const identity = workloadSpiffeId(trustDomain, (namespaces ?? [rootNamespace])[0] ?? rootNamespace, "operator");
    own.add({ token: (await readText(tokenFile)).trim(), identity, uses: "many", ttlSeconds: LIFE });
  }
  return { authenticators: [own, ...authenticators], ...given({ namespaces }) };
}

/** A rule that lets these identities. */
function oneOf(uris: readonly string[]): (caller: { readonly identity: { readonly uri: string } }) => void {
  const allowed = new Set(uris.map((uri) => parseSpiffeId(uri).uri));
  return ({ identity }) => {
    if (!allowed.has(identity.uri)) throw new Error("it is not among those that the settings name");
  };
}

/** Without the properties that are undefined. */
function given<T extends object>(value: T): { readonly [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}
