import type { TcpMatch, TlsMatch } from "@fairlead/config";
import type { Language } from "./language.ts";
import type { RequestSet, RequestSets } from "./request-set.ts";

/**
 * The connections of a match of TLS or TCP rules, or of a rule without one (those of `gateways`). Names and subnets are
 * compared as they are written, not by what they contain: a proxy takes the most specific one of all rules, whatever their
 * order, so an earlier `*.a.com` hides no later `x.a.com`, and `10.0.0.0/8` no `10.1.0.0/16`. A TCP match without subnets
 * ends the rules. Source: Istio API, `TLSMatchAttributes`, `L4MatchAttributes`; Envoy, `FilterChainMatch`.
 */
export function connectionSet(
  sets: RequestSets,
  match: TlsMatch | TcpMatch | undefined,
  gateways: readonly string[],
): RequestSet {
  const { languages } = sets;
  let set: RequestSet = new Map();
  const narrow = (property: string, texts: readonly Language[]) => {
    set = sets.narrow(set, property, { absent: false, texts: languages.any(...texts) });
  };
  const oneOf = (property: string, texts: readonly string[]) =>
    narrow(
      property,
      texts.map((text) => languages.text(text)),
    );
  const named = match?.gateways ?? [];
  oneOf("gateway", named.length === 0 ? gateways : gateways.filter((gateway) => named.includes(gateway)));
  if (!match) return set;
  const { port, sourceNamespace, sourceLabels, destinationSubnets } = match;
  if (port) oneOf("port", [String(port)]);
  if (sourceNamespace) oneOf("namespace", [sourceNamespace]);
  for (const [label, value] of Object.entries(sourceLabels ?? {})) oneOf(`label ${label}`, [value]);
  const isTls = "sniHosts" in match;
  if (isTls)
    oneOf(
      "sni",
      match.sniHosts.map((host) => host.toLowerCase()),
    );
  if (destinationSubnets?.length) oneOf("subnet", destinationSubnets.map(writtenSubnet));
  // For TLS, no subnets are those of the service: one more place, not all of them.
  else if (isTls) oneOf("subnet", [OWN_SUBNETS]);
  return set;
}

/** The addresses of the service itself. */
export const OWN_SUBNETS = "-";

/** A subnet without its host bits (IPv4), so that `10.1.2.3/8` is `10.0.0.0/8`. */
function writtenSubnet(text: string): string {
  const [, address = "", given] = /^(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (!address) return text.toLowerCase();
  const bits = given === undefined ? 32 : Number(given);
  const whole = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const network = whole - (whole % 2 ** (32 - bits));
  return `${[24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join(".")}/${bits}`;
}
