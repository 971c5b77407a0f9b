import { IdentityError, parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { type AlternativeName, formatIp, parseIp } from "../certificate/alternative-name.ts";
import { CaError } from "../error.ts";

const DNS_NAME = /^(?=.{1,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** The names of the certificate: exactly one URI, the identity, by the strict grammar, of the authority's trust domain. */
export function grantedNames(
  identity: SpiffeId,
  trustDomain: string,
  dns: readonly string[],
  ips: readonly string[],
): AlternativeName[] {
  let id: SpiffeId;
  try {
    id = parseSpiffeId(identity.uri);
  } catch (cause) {
    throw new CaError("SPIFFE_ID_INVALID", cause instanceof IdentityError ? cause.message : "not a SPIFFE ID", {
      cause,
    });
  }
  if (id.path === "") throw new CaError("SPIFFE_ID_INVALID", "a workload's SPIFFE ID has a path");
  if (id.trustDomain !== trustDomain)
    throw new CaError("SPIFFE_ID_INVALID", `${id.uri} is not of the trust domain ${trustDomain}`);
  for (const name of dns)
    if (!DNS_NAME.test(name)) throw new CaError("OPTION_INVALID", `${JSON.stringify(name)} is not a DNS name`);
  return [
    { type: "uri", value: id.uri },
    ...dns.map((value) => ({ type: "dns" as const, value })),
    ...ips.map((value) => ({ type: "ip" as const, value: canonicalIp(value) })),
  ];
}

function canonicalIp(text: string): string {
  try {
    return formatIp(parseIp(text));
  } catch (cause) {
    throw new CaError("OPTION_INVALID", `${JSON.stringify(text)} is not an IP address`, { cause });
  }
}
