import type { PathTest } from "./path.ts";
import { fullMatch, regexOf } from "./regex.ts";

const SEGMENT = "[a-zA-Z0-9-._~%!$&'()+,;:@=]+";
const REST = "[a-zA-Z0-9-._~%!$&'()+,;:@/=]*";

/**
 * A URI template (envoy.extensions.path.match.uri_template): `*` is one path segment, `**` the rest, `{name}` and
 * `{name=pattern}` capture.
 */
export function uriTemplate(template: string): PathTest {
  const regex = regexOf(templateExpression(template));
  return { matches: (path) => fullMatch(regex, path), words: `fits ${template}` };
}

function templateExpression(template: string): string {
  const piece = (text: string) =>
    text.replace(/\*\*|\*|[.+?^$()|[\]\\]/g, (found) =>
      found === "**" ? REST : found === "*" ? SEGMENT : `\\${found}`,
    );
  return template
    .split(/(\{[^}]*\})/)
    .map((part) => {
      if (!part.startsWith("{")) return piece(part);
      const inner = part.slice(1, -1);
      const equals = inner.indexOf("=");
      // Istio writes {*} and {**}; Envoy writes {name} and {name=pattern}.
      const pattern = inner === "*" || inner === "**" ? inner : equals < 0 ? "*" : inner.slice(equals + 1);
      return `(${piece(pattern)})`;
    })
    .join("");
}
