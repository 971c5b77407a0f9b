import type { RouteMatch } from "../envoy.ts";
import { unpack } from "../envoy.ts";
import { fullMatch, regexOf } from "./regex.ts";
import { uriTemplate } from "./uri-template.ts";

/** A compiled path specifier. It sees the path without query. */
export interface PathTest {
  readonly matches: (path: string) => boolean;
  readonly words: string;
  /** The prefix that a prefix rewrite replaces; undefined: the whole path. */
  readonly prefix?: string;
}

/** Compiles the path specifier of a route; undefined when it has none that is known (CONNECT has its own). */
export function pathTest(match: RouteMatch): PathTest | undefined {
  const { caseSensitive = true } = match;
  const fold = (text: string) => (caseSensitive ? text : text.toLowerCase());
  const suffix = caseSensitive ? "" : " (any case)";
  if (match.path !== undefined) {
    const wanted = fold(match.path);
    return { matches: (path) => fold(path) === wanted, words: `is ${match.path}${suffix}` };
  }
  if (match.pathSeparatedPrefix !== undefined) {
    const wanted = fold(match.pathSeparatedPrefix);
    const matches = (path: string) => {
      const folded = fold(path);
      return folded.startsWith(wanted) && (folded.length === wanted.length || folded[wanted.length] === "/");
    };
    return {
      matches,
      words: `is ${match.pathSeparatedPrefix} or below it${suffix}`,
      prefix: match.pathSeparatedPrefix,
    };
  }
  if (match.safeRegex !== undefined) {
    const text = match.safeRegex.regex ?? "";
    const regex = regexOf(text);
    return { matches: (path) => fullMatch(regex, path), words: `matches /${text}/` };
  }
  if (match.pathMatchPolicy !== undefined) {
    const config = unpack<{ pathTemplate?: string }>(
      match.pathMatchPolicy.typedConfig,
      "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
    );
    return config && uriTemplate(config.pathTemplate ?? "");
  }
  if (match.connectMatcher !== undefined) return undefined;
  const wanted = fold(match.prefix ?? "");
  return {
    matches: (path) => fold(path).startsWith(wanted),
    words: `begins with ${match.prefix ?? ""}${suffix}`,
    prefix: match.prefix ?? "",
  };
}
