import type { MutualTlsMode } from "@fairlead/mesh";
import { isHttp, isTcp, type Protocol } from "@fairlead/model";
import { PLAINTEXT_HTTP_ALPN } from "./inspectors.ts";

/** One of the ways in which a port can be talked to: what tells it apart, and what handles it. */
export interface InboundMatch {
  readonly content: "http" | "tcp";
  readonly transportProtocol: "tls" | "raw_buffer";
  readonly applicationProtocols?: readonly string[];
  /** Whether this proxy ends the TLS, or hands it on. */
  readonly terminatesTls: boolean;
}

/** What clients of the mesh offer when they send HTTP, and when they send something else. */
const MESH_HTTP_ALPN = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
const MESH_TCP_ALPN = ["istio-peer-exchange", "istio"];
const MESH_ALPN = ["istio", "istio-peer-exchange", ...MESH_HTTP_ALPN];

type Content = "http" | "tcp" | "auto";

const plain = (content: "http" | "tcp", applicationProtocols?: readonly string[]): InboundMatch => ({
  content,
  transportProtocol: "raw_buffer",
  terminatesTls: false,
  ...(applicationProtocols ? { applicationProtocols } : {}),
});

const tls = (
  content: "http" | "tcp",
  terminatesTls: boolean,
  applicationProtocols?: readonly string[],
): InboundMatch => ({
  content,
  transportProtocol: "tls",
  terminatesTls,
  ...(applicationProtocols ? { applicationProtocols } : {}),
});

/**
 * The chains of a port by what it speaks (`auto`: not declared) and the mTLS that it asks for. PERMISSIVE knows clients
 * of the mesh by the protocols they offer in the handshake; other TLS is the workload's own and is handed on.
 */
const MATCHES: Readonly<Record<Content, Readonly<Record<MutualTlsMode, readonly InboundMatch[]>>>> = {
  http: {
    STRICT: [tls("http", true)],
    PERMISSIVE: [tls("http", true, MESH_ALPN), plain("http")],
    DISABLE: [plain("http")],
  },
  tcp: {
    STRICT: [tls("tcp", true)],
    PERMISSIVE: [tls("tcp", true, MESH_ALPN), tls("tcp", false), plain("tcp")],
    DISABLE: [plain("tcp")],
  },
  auto: {
    STRICT: [tls("http", true, MESH_HTTP_ALPN), tls("tcp", true)],
    PERMISSIVE: [
      tls("http", true, MESH_HTTP_ALPN),
      plain("http", PLAINTEXT_HTTP_ALPN),
      tls("tcp", true, MESH_TCP_ALPN),
      plain("tcp"),
      tls("tcp", false),
    ],
    DISABLE: [plain("http", PLAINTEXT_HTTP_ALPN), plain("tcp")],
  },
};

function contentOf(protocol: Protocol): Content {
  if (isHttp(protocol)) return "http";
  return isTcp(protocol) || protocol === "UDP" ? "tcp" : "auto";
}

export function inboundMatches(protocol: Protocol, mode: MutualTlsMode): readonly InboundMatch[] {
  return MATCHES[contentOf(protocol)][mode];
}

/** The chains of a port that ends TLS with a certificate of the user's: TLS only, then what is inside. */
export function customTlsMatches(protocol: Protocol): readonly InboundMatch[] {
  const content = contentOf(protocol);
  return content === "auto" ? [] : [tls(content, true)];
}

/** What is spoken inside TLS. */
export function afterTls(protocol: Protocol): Protocol {
  return protocol === "HTTPS" ? "HTTP" : protocol === "TLS" ? "TCP" : protocol;
}
