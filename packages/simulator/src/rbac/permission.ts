import { type Permission, unpack } from "../envoy.ts";
import { rangeOf } from "../listener/cidr.ts";
import { headerCondition } from "../match/header.ts";
import { metadataCondition } from "../match/metadata.ts";
import { stringTest } from "../match/string-test.ts";
import { uriTemplate } from "../match/uri-template.ts";
import { ANY, allOf, anyOf, httpRule, not, type Rule, unknownRule } from "./subject.ts";

/** Compiles a Permission (envoy.config.rbac.v3). */
export function permissionRule(permission: Permission): Rule {
  if (permission.any) return ANY;
  if (permission.andRules) return allOf((permission.andRules.rules ?? []).map(permissionRule));
  if (permission.orRules) return anyOf((permission.orRules.rules ?? []).map(permissionRule));
  if (permission.notRule) return not(permissionRule(permission.notRule));
  if (permission.header) {
    const condition = headerCondition(permission.header);
    return httpRule(condition.words, condition.matches);
  }
  if (permission.urlPath) {
    const test = stringTest(permission.urlPath.path ?? {});
    return httpRule(`path ${test.words}`, ({ pathname }) => test.matches(pathname));
  }
  if (permission.uriTemplate) {
    const config = unpack<{ pathTemplate?: string }>(
      permission.uriTemplate.typedConfig,
      "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
    );
    if (config === undefined) return unknownRule(permission.uriTemplate.name ?? "a path template");
    const test = uriTemplate(config.pathTemplate ?? "");
    return httpRule(`path ${test.words}`, ({ pathname }) => test.matches(pathname));
  }
  if (permission.destinationIp) {
    const range = rangeOf(permission.destinationIp);
    return {
      matches: ({ connection }) => range.contains(connection.destination.address),
      words: `destination in ${range.words}`,
    };
  }
  if (permission.destinationPort !== undefined) {
    const port = permission.destinationPort;
    return { matches: ({ connection }) => connection.destination.port === port, words: `port ${port}` };
  }
  if (permission.destinationPortRange) {
    const { start = 0, end = 0 } = permission.destinationPortRange;
    return {
      matches: ({ connection }) => connection.destination.port >= start && connection.destination.port < end,
      words: `port from ${start} to below ${end}`,
    };
  }
  if (permission.requestedServerName) {
    const test = stringTest(permission.requestedServerName);
    return { matches: ({ connection }) => test.matches(connection.sni), words: `server name ${test.words}` };
  }
  const matcher = permission.metadata ?? permission.sourcedMetadata?.metadataMatcher;
  if (matcher) {
    const condition = metadataCondition(matcher);
    return httpRule(condition.words, condition.matches);
  }
  if (permission.matcher) return unknownRule(permission.matcher.name ?? "a matcher");
  return unknownRule("an empty permission");
}
