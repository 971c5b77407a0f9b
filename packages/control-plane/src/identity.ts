import { type Authority, CaError, readCertificate } from "@fairlead/ca";
import { type Authenticator, authenticate, clientCertificate } from "@fairlead/ca/grpc";
import { type NodeJson, parseNode, parseSpiffeId, parseWorkloadPath } from "@fairlead/model";
import type { Authorize } from "@fairlead/xds/server";

/** What a stream says of its other end that it did not say itself. */
export interface StreamPeer {
  readonly transport: "plaintext" | "tls" | "unix";
  /** The verified client certificate, DER. */
  readonly certificate?: Uint8Array | undefined;
  /** URI subject alternative names of the verified client certificate. */
  readonly identities: readonly string[];
}

/**
 * Whether the node may be who it says it is: the namespace and service account that it claims must be those of its
 * certificate. Gives the reason of a refusal. Plaintext and Unix sockets carry no identity: whoever opened such a port
 * decided to believe all who reach it.
 */
export function refuseForeignNode(
  peer: StreamPeer,
  json: NodeJson,
  trustDomains: readonly string[],
  isRevoked?: Authority["isRevoked"],
): string | undefined {
  if (peer.transport !== "tls") return undefined;
  if (peer.certificate && isRevoked?.(readCertificate(peer.certificate))) return "its certificate has been revoked";
  const [uri, ...others] = peer.identities;
  if (uri === undefined || others.length > 0) return "the client certificate does not carry exactly one SPIFFE ID";
  return refuseOther(uri, "its certificate", json, trustDomains);
}

/** Why the node is not of the identity `uri`, which it has proved by `proof`. */
function refuseOther(uri: string, proof: string, json: NodeJson, trustDomains: readonly string[]): string | undefined {
  const { node } = parseNode(json);
  // What is wrong with the node itself is said by whoever reads it.
  if (!node) return undefined;
  let claims: ReturnType<typeof parseWorkloadPath>;
  try {
    const id = parseSpiffeId(uri);
    if (!trustDomains.includes(id.trustDomain)) return `${uri} is not of trust domain ${trustDomains.join(", ")}`;
    claims = parseWorkloadPath(id);
  } catch (error) {
    return (error as Error).message;
  }
  if (!claims) return `${uri} names no namespace and service account`;
  if (claims.namespace !== node.namespace)
    return `node ${node.id} claims namespace ${node.namespace}, ${proof} says ${claims.namespace}`;
  if (node.serviceAccount && claims.serviceAccount !== node.serviceAccount)
    return `node ${node.id} claims service account ${node.serviceAccount}, ${proof} says ${claims.serviceAccount}`;
  return undefined;
}

/** Lets those read who prove to be of one of `namespaces`. */
export function debugReaders(
  {
    authenticators,
    namespaces,
  }: { readonly authenticators: readonly Authenticator[]; readonly namespaces?: readonly string[] },
  rootNamespace: () => string,
): (call: Parameters<Authenticator["authenticate"]>[0]) => Promise<boolean> {
  return async (call) => {
    try {
      const caller = await authenticate(call, authenticators);
      caller.settle?.(false);
      const { namespace } = parseWorkloadPath(caller.identity) ?? {};
      return namespace !== undefined && (namespaces ?? [rootNamespace()]).includes(namespace);
    } catch {
      return false;
    }
  };
}

/**
 * Lets those in who prove an identity, by a certificate of the mesh or one of `authenticators`, and whose node is of that
 * identity; over any transport.
 */
export function authorizeCallers(
  options: { readonly authority: Authority | undefined; readonly authenticators: readonly Authenticator[] },
  trustDomains: () => readonly string[],
): Authorize {
  const { authority, authenticators } = options;
  const all = [...(authority ? [clientCertificate({ authority })] : []), ...authenticators];
  return async ({ address, certificate, metadata }, node) => {
    try {
      const caller = await authenticate({ peer: address, certificate, metadata }, all);
      // Nothing is issued here: what is good for one certificate stays so.
      caller.settle?.(false);
      const proof =
        caller.authenticator === "client-certificate" ? "its certificate" : `its credential (${caller.authenticator})`;
      return refuseOther(caller.identity.uri, proof, node, trustDomains());
    } catch (error) {
      // Why it does not hold would help who guesses.
      return {
        unauthenticated: error instanceof CaError ? error.publicMessage : "the credential could not be checked",
      };
    }
  };
}
