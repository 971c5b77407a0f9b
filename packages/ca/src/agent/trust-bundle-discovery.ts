import type { NodeJson } from "@fairlead/model";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { type Agent, SECRET_NAMES } from "./agent.ts";
import { mergeRoots } from "./certificate.ts";

export interface FollowRootsOptions {
  /** Whose roots follow, and whose certificate opens the connection. */
  readonly agent: Agent;
  /** `HOST:PORT` of the control plane's discovery server; its certificate must carry the host. */
  readonly address: string;
  /** The proxy's node; the server checks its namespace and service account against the certificate. */
  readonly node: NodeJson;
  /** Without TLS, for a server on this machine. */
  readonly insecure?: boolean;
  /**
   * When a root is taken back that the agent still has from its own authority, it renews, to lose it: at a random moment within
   * this time, milliseconds, so that not all agents come at once. Default 5000.
   */
  readonly spreadMs?: number;
  /** Told when the stream ends; it is opened again. */
  readonly onDisconnect?: (error: Error) => void;
}

const PROXY_CONFIG = "type.googleapis.com/istio.mesh.v1alpha1.ProxyConfig";

/**
 * Takes a mesh's roots from its control plane as they change (Istio's PCDS: `caCertificatesPem` of a `ProxyConfig`) and
 * gives them to the agent, so that a new root is trusted before the next renewal; the acknowledgement tells the control
 * plane that it has arrived. Roots that do not parse are rejected and change nothing. Resolves once the stream is begun;
 * the caller closes it. Needs `@fairlead/xds` and `@grpc/grpc-js`. Throws OPTION_INVALID.
 */
export async function followRoots(options: FollowRootsOptions): Promise<{ close(): void }> {
  const { agent, address, node, insecure = false, onDisconnect, spreadMs = 5000 } = options;
  const missing = (cause: unknown) => {
    throw new CaError("OPTION_INVALID", "following roots needs @fairlead/xds and @grpc/grpc-js", { cause });
  };
  const { createDiscoveryClient } = await import("@fairlead/xds/client").catch(missing);
  const { channelCredentials } = await import("../grpc/channel-credentials.ts").catch(missing);
  await agent.ready;
  let told: readonly string[] = [];
  let renewal: NodeJS.Timeout | undefined;
  const client = createDiscoveryClient({
    address,
    node,
    subscriptions: { [PROXY_CONFIG]: ["*"] },
    ...(insecure ? {} : { credentials: channelCredentials(agent, address) }),
    onResources({ resources }) {
      const roots = resources.flatMap(({ json }) => (json as { caCertificatesPem?: string[] }).caCertificatesPem ?? []);
      if (roots.length === 0) return undefined; // a control plane without roots of its own to tell
      let next: readonly string[];
      try {
        next = pems(mergeRoots(roots));
      } catch (error) {
        return (error as Error).message;
      }
      agent.setExtraRoots(roots);
      const own = agent.get(SECRET_NAMES.roots);
      const held = own?.kind === "trust-bundle" ? pems(own.roots) : [];
      const takenBack = told.some((root) => !next.includes(root) && held.includes(root));
      told = next;
      if (takenBack) {
        clearTimeout(renewal);
        renewal = setTimeout(() => agent.rotate().catch(() => undefined), Math.random() * spreadMs);
      }
      return undefined;
    },
    ...(onDisconnect ? { onDisconnect } : {}),
  });
  return {
    close() {
      clearTimeout(renewal);
      client.close();
    },
  };
}

const pems = (text: string): string[] => readCertificates(text, "BUNDLE_INVALID").map(certificatePem);
