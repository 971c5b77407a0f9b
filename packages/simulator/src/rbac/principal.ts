import type { Principal, StringMatcher } from "../envoy.ts";
import { rangeOf } from "../listener/cidr.ts";
import { headerCondition } from "../match/header.ts";
import { metadataCondition } from "../match/metadata.ts";
import { stringTest } from "../match/string-test.ts";
import { ANY, allOf, anyOf, httpRule, not, type Rule, unknownRule } from "./subject.ts";

/** Compiles a Principal (envoy.config.rbac.v3). */
export function principalRule(principal: Principal): Rule {
  if (principal.any) return ANY;
  if (principal.andIds) return allOf((principal.andIds.ids ?? []).map(principalRule));
  if (principal.orIds) return anyOf((principal.orIds.ids ?? []).map(principalRule));
  if (principal.notId) return not(principalRule(principal.notId));
  if (principal.authenticated) return authenticated(principal.authenticated.principalName);
  if (principal.filterState?.key === "io.istio.peer_principal" && principal.filterState.stringMatch)
    return peerPrincipal(principal.filterState.stringMatch);
  const direct = principal.directRemoteIp ?? principal.sourceIp;
  if (direct) {
    const range = rangeOf(direct);
    return {
      matches: ({ connection }) => range.contains(connection.source.address),
      words: `peer address in ${range.words}`,
    };
  }
  if (principal.remoteIp) {
    const range = rangeOf(principal.remoteIp);
    return { matches: ({ remoteAddress }) => range.contains(remoteAddress), words: `remote address in ${range.words}` };
  }
  if (principal.header) {
    const condition = headerCondition(principal.header);
    return httpRule(condition.words, condition.matches);
  }
  if (principal.urlPath) {
    const test = stringTest(principal.urlPath.path ?? {});
    return httpRule(`path ${test.words}`, ({ pathname }) => test.matches(pathname));
  }
  const matcher = principal.metadata ?? principal.sourcedMetadata?.metadataMatcher;
  if (matcher) {
    const condition = metadataCondition(matcher);
    return httpRule(condition.words, condition.matches);
  }
  if (principal.filterState) return unknownRule(`filter state ${principal.filterState.key ?? ""}`);
  if (principal.custom) return unknownRule(principal.custom.name ?? "a custom principal");
  return unknownRule("an empty principal");
}

/** With a name: a URI, else a DNS name, else the subject of the client certificate has it. Without: any certificate. */
function authenticated(name: StringMatcher | undefined): Rule {
  if (name === undefined)
    return { matches: ({ connection }) => connection.peer !== undefined, words: "any authenticated peer" };
  return peerPrincipal(name);
}

function peerPrincipal(name: StringMatcher): Rule {
  const test = stringTest(name);
  return {
    matches: ({ connection: { peer } }) => {
      if (peer === undefined) return false;
      const names = peer.uris.length > 0 ? peer.uris : (peer.dnsNames ?? []);
      return names.length > 0 ? names.some(test.matches) : test.matches(peer.subject ?? "");
    },
    words: `peer principal ${test.words}`,
  };
}
