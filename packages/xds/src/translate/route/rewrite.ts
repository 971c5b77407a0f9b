import type { HttpRewrite } from "@fairlead/config";
import type { RouteAction, RouteMatch } from "../../proto/types.ts";

/**
 * How the path is rewritten; a regular expression goes before a plain prefix. With `segments` (Gateway API), rewriting
 * to `/` removes the prefix with its slash.
 */
export function pathRewrite(
  rewrite: HttpRewrite,
  match: RouteMatch,
  segments: boolean,
): Pick<RouteAction, "regexRewrite" | "prefixRewrite"> {
  const { uriRegexRewrite, uri } = rewrite;
  if (uriRegexRewrite)
    return {
      regexRewrite: {
        pattern: { regex: uriRegexRewrite.match ?? "" },
        ...(uriRegexRewrite.rewrite ? { substitution: uriRegexRewrite.rewrite } : {}),
      },
    };
  if (!uri) return {};
  if (!segments || uri !== "/") return { prefixRewrite: uri };
  const prefix = (match.pathSeparatedPrefix ?? "").replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
  return { regexRewrite: { pattern: { regex: `^${prefix}(/?)(.*)` }, substitution: "/\\2" } };
}
