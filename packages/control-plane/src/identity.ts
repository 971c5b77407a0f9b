import { type NodeJson, parseNode, parseSpiffeId, parseWorkloadPath } from "@fairlead/model";

/** What a stream says of its other end that it did not say itself. */
export interface StreamPeer {
  readonly transport: "plaintext" | "tls" | "unix";
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
): string | undefined {
  if (peer.transport !== "tls") return undefined;
  const { node } = parseNode(json);
  // What is wrong with the node itself is said by whoever reads it.
  if (!node) return undefined;
  const [uri, ...others] = peer.identities;
  if (uri === undefined || others.length > 0) return "the client certificate does not carry exactly one SPIFFE ID";
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
    return `node ${node.id} claims namespace ${node.namespace}, its certificate says ${claims.namespace}`;
  if (node.serviceAccount && claims.serviceAccount !== node.serviceAccount)
    return `node ${node.id} claims service account ${node.serviceAccount}, its certificate says ${claims.serviceAccount}`;
  return undefined;
}
