import type { HeaderMatcher, MetadataMatcher, RouteMatch, StringMatcher } from "../envoy.ts";
import { borderTexts, borderValues } from "../match/example.ts";
import { headerKey } from "../match/header.ts";
import { type ExampleRequest, ofMetadata } from "../reach/example-request.ts";

/** One thing that a request may have otherwise. */
export type Edit = Partial<ExampleRequest> & {
  /** Headers and query parameters that it must not have. */
  readonly without?: { readonly header?: string; readonly query?: string };
  readonly query?: Readonly<Record<string, string>>;
};

/**
 * Every text that rules compare with, as edits of a request: values at both sides of each border. What no rule compares with tells no
 * request apart from another.
 */
export function vocabularyOf(rules: readonly unknown[]): readonly Edit[] {
  const edits = new Map<string, Edit>();
  const add = (edit: Edit) => void edits.set(JSON.stringify(edit), edit);
  for (const rule of rules) walk(rule, add);
  return [...edits.values()];
}

type Add = (edit: Edit) => void;

/** The fields of matchers, by name: they mean the same in routes, permissions and principals. */
const FIELDS: Readonly<Record<string, (value: never, add: Add) => void>> = {
  header: header,
  headers: (all: readonly HeaderMatcher[], add) => {
    for (const one of all) header(one, add);
  },
  queryParameters: (all: readonly { name?: string; stringMatch?: StringMatcher }[], add) => {
    for (const { name = "", stringMatch } of all) {
      add({ without: { query: name } });
      for (const value of stringMatch ? borderTexts(stringMatch) : ["witness"]) add({ query: { [name]: value } });
    }
  },
  cookies: (all: readonly { name?: string; stringMatch?: StringMatcher }[], add) => {
    for (const { name = "", stringMatch = {} } of all)
      for (const value of borderTexts(stringMatch)) add({ headers: { cookie: `${name}=${value}` } });
  },
  urlPath: ({ path }: { path?: StringMatcher }, add) => {
    for (const text of borderTexts(path ?? {})) if (text.startsWith("/")) add({ path: text });
  },
  uriTemplate: ({ typedConfig }: { typedConfig?: { pathTemplate?: string } }, add) => {
    const template = typedConfig?.pathTemplate ?? "/";
    const made = template.replace(/\{?\*+\}?|\{[^}]*\}/g, "witness");
    for (const path of [made, `${made}/witness`, made.replace(/\/[^/]*$/, "") || "/"]) add({ path });
  },
  principalName: (name: StringMatcher, add) => {
    for (const peer of borderTexts(name)) add({ peer });
  },
  stringMatch: (name: StringMatcher, add) => {
    for (const peer of borderTexts(name)) if (peer.includes("/")) add({ peer });
  },
  directRemoteIp: address,
  sourceIp: address,
  remoteIp: address,
  metadata: claim,
  dynamicMetadata: (all: readonly MetadataMatcher[], add) => {
    for (const one of all) claim(one, add);
  },
};

function claim(matcher: MetadataMatcher, add: Add): void {
  for (const edit of ofMetadata(matcher)) add(edit);
  add({ claims: {} });
}

function address({ addressPrefix }: { addressPrefix?: string }, add: Add): void {
  if (addressPrefix === undefined) return;
  add({ client: addressPrefix });
  add({ client: "203.0.113.9" });
}

function header(matcher: HeaderMatcher, add: Add): void {
  const name = headerKey(matcher.name ?? "");
  const values = borderValues(matcher);
  if (name === ":method") for (const method of values) add({ method: /^[A-Za-z-]+$/.test(method) ? method : "POST" });
  else if (name === ":authority") for (const host of values) add({ host });
  else if (name === ":path") {
    for (const path of values) if (path.startsWith("/")) add({ path });
  } else if (!name.startsWith(":")) {
    add({ without: { header: name } });
    for (const value of values) add({ headers: { [name]: value } });
  }
}

function walk(value: unknown, add: Add): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    const field = FIELDS[key];
    // Envoy writes header operations of routes in other fields: these are matchers.
    if (field && typeof child === "object" && child !== null) field(child as never, add);
    if (key !== "header" && key !== "headers") walk(child, add);
  }
}

/** Paths at the borders of a route's match. */
export function pathEdits(match: RouteMatch): readonly Edit[] {
  const literal = match.path ?? match.pathSeparatedPrefix ?? match.prefix;
  const texts =
    literal === undefined ? borderTexts({ safeRegex: match.safeRegex ?? {} }) : borderTexts({ exact: literal });
  const below = literal === undefined ? [] : [`${literal.replace(/\/$/, "")}/witness`, `${literal}/`];
  return [...texts, ...below].filter((text) => text.startsWith("/")).map((path) => ({ path }));
}
