import { BlockList, isIP } from "node:net";
import { parseSpiffeId } from "@fairlead/model";
import { CaError } from "../error.ts";
import type { Authenticator } from "./authenticator.ts";

export interface XfccOptions {
  /** Addresses of the proxies whose word is taken, CIDR (`10.1.0.0/16`, `::1/128`). Nobody else's is; loopback is not special. */
  readonly trustedCidrs: readonly string[];
}

/** Longest header that is read. */
const MAX_HEADER = 8192;

/**
 * Accepts a caller that a trusted proxy ended TLS for: the one URI of the one element of `x-forwarded-client-cert` (Envoy,
 * HTTP header manipulation). More than one element means more than one hop, and whom to believe is not decided here:
 * denied. So are DNS names and subjects as identities.
 */
export function xfcc(options: XfccOptions): Authenticator {
  const trusted = new BlockList();
  for (const cidr of options.trustedCidrs) {
    const [, address = "", prefix = ""] = /^(.+)\/(\d{1,3})$/.exec(cidr) ?? [];
    const family = isIP(address);
    if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128))
      throw new CaError("OPTION_INVALID", `${JSON.stringify(cidr)} is not a CIDR range`);
    trusted.addSubnet(address, Number(prefix), family === 4 ? "ipv4" : "ipv6");
  }
  const deny = (why: string) => new CaError("UNAUTHENTICATED", why);
  return {
    name: "xfcc",
    authenticate(call) {
      const values = call.metadata("x-forwarded-client-cert");
      const [header] = values;
      if (header === undefined) return undefined;
      const address = peerAddress(call.peer);
      const family = isIP(address);
      if (family === 0 || !trusted.check(address, family === 4 ? "ipv4" : "ipv6"))
        throw deny(`${call.peer} is not a trusted proxy`);
      if (values.length > 1 || header.length > MAX_HEADER) throw deny("more than one header, or one that is too long");
      const uris = elementPairs(header)
        .filter(([key]) => key === "uri")
        .map(([, value]) => value);
      const [uri] = uris;
      if (uri === undefined || uris.length > 1) throw deny(`the header names ${uris.length} URIs; it must be one`);
      return { authenticator: "xfcc", identity: parseSpiffeId(uri), attributes: { proxy: address } };
    },
  };
}

/** The address of `1.2.3.4:5`, `[::1]:5` or `ipv6:…`; an IPv4 address in IPv6 clothes is an IPv4 address. */
function peerAddress(peer: string): string {
  const address = peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  return mapped ?? address;
}

/** The pairs of a header of one element. Quotes hold anything, escaped with a backslash. Throws when there are two elements. */
function elementPairs(header: string): [key: string, value: string][] {
  const pair = /\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=\s]*))\s*(;|,|$)/y;
  const pairs: [string, string][] = [];
  while (pair.lastIndex < header.length) {
    const [, key = "", quoted, plain = "", end] = pair.exec(header) ?? [];
    if (key === "") throw new CaError("UNAUTHENTICATED", "the header is malformed");
    if (end === ",") throw new CaError("UNAUTHENTICATED", "the header has more than one element");
    pairs.push([key.toLowerCase(), quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1")]);
  }
  return pairs;
}
