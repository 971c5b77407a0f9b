import type { DownstreamTlsContext, FilterChain } from "../envoy.ts";
import type { Closed } from "../evaluation.ts";
import { stringTest } from "../match/string-test.ts";
import type { Connection } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { compileChain } from "./compiled-chain.ts";

/**
 * The TLS handshake: what the chain asks of the client. That the client trusts the server's certificate, and the server
 * the authority of the client's, is taken for granted.
 */
export function handshakeFailure(chain: FilterChain, connection: Connection, tracer?: Tracer): Closed | undefined {
  const context = compileChain(chain).tls;
  if (context === undefined) return undefined;
  const refuse = (failure: "invalid-tls" | "invalid-mtls", reason: string): Closed => {
    tracer?.add("tls", chain.name || "(unnamed)", false, reason, chain.transportSocket);
    return { kind: "closed", share: 1, failure, reason };
  };
  if (!connection.tls) return refuse("invalid-tls", "the chain takes TLS only, the client speaks plaintext");
  if (context.requireClientCertificate && connection.peer === undefined)
    return refuse("invalid-mtls", "the chain asks for a client certificate, the client shows none");
  const names = subjectNames(context);
  if (connection.peer && names.length > 0) {
    const shown = [...connection.peer.uris, ...(connection.peer.dnsNames ?? [])];
    if (!shown.some((name) => names.some((test) => test.matches(name))))
      return refuse(
        "invalid-mtls",
        `the client is ${shown.join(", ")}, wanted a name that ${names.map(({ words }) => words).join(" or ")}`,
      );
  }
  const what = context.requireClientCertificate ? "mutual TLS" : "TLS";
  tracer?.add(
    "tls",
    chain.name || "(unnamed)",
    true,
    connection.peer ? `${what} with ${connection.peer.uris.join(", ")}` : what,
    chain.transportSocket,
  );
  return undefined;
}

function subjectNames({ commonTlsContext }: DownstreamTlsContext) {
  const common = commonTlsContext as
    | {
        validationContext?: Validation;
        combinedValidationContext?: { defaultValidationContext?: Validation };
      }
    | undefined;
  const validation = common?.combinedValidationContext?.defaultValidationContext ?? common?.validationContext;
  return [
    ...(validation?.matchSubjectAltNames ?? []),
    ...(validation?.matchTypedSubjectAltNames ?? []).map(({ matcher }) => matcher ?? {}),
  ].map(stringTest);
}

interface Validation {
  readonly matchSubjectAltNames?: Parameters<typeof stringTest>[0][];
  readonly matchTypedSubjectAltNames?: { readonly matcher?: Parameters<typeof stringTest>[0] }[];
}
