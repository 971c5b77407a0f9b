/** Rules of names. Each answers what is wrong, in words, or undefined. Source: Istio `pkg/config/labels`, `validation/agent`. */

const DNS_LABEL = /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(\*|(\*|\*-)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** A DNS label of at most 63 characters, in either case. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && DNS_LABEL.test(text);
}

function lengthFault(name: string): string | undefined {
  if (name === "") return "a host name must not be empty";
  return name.length > 255 ? `host name ${JSON.stringify(name)} is longer than 255 characters` : undefined;
}

function labelsFault(name: string): string | undefined {
  const parts = name.split(".");
  const top = parts.at(-1) ?? "";
  if (/^[-+]?\d+$/.test(top)) return `host name ${JSON.stringify(name)} ends in the number ${top}`;
  const bad = parts.findIndex((part, index) => !isDnsLabel(part) && !(part === "" && index === parts.length - 1));
  if (bad < 0) return undefined;
  return `host name ${JSON.stringify(name)} has the invalid label ${JSON.stringify(parts[bad])}`;
}

/** A name in full: DNS labels, a trailing dot allowed, no wildcard. */
export function fqdnFault(name: string): string | undefined {
  return lengthFault(name) ?? labelsFault(name);
}

/** As {@link fqdnFault}, but the first label may be `*`, or begin with it. */
export function wildcardHostFault(name: string): string | undefined {
  const length = lengthFault(name);
  if (length) return length;
  const dot = name.indexOf(".");
  const first = dot < 0 ? name : name.slice(0, dot);
  if (first.length > 63 || !WILDCARD_LABEL.test(first))
    return `host name ${JSON.stringify(name)} has the invalid label ${JSON.stringify(first)}`;
  return dot < 0 ? undefined : labelsFault(name.slice(dot + 1));
}

/** A wildcard that is no whole label, as `*-a.com`. */
export function partialWildcardFault(name: string): string | undefined {
  if (!name.includes("*") || name.length === 1 || name.startsWith("*.")) return undefined;
  return `the wildcard in ${JSON.stringify(name)} must be a whole label`;
}

/** The key of a Kubernetes label: `[dns-prefix/]name`. */
export function labelKeyFault(key: string): string | undefined {
  const slash = key.lastIndexOf("/");
  const name = key.slice(slash + 1);
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const prefixFine =
    prefix === undefined || (prefix.length <= 253 && prefix.split(".").every((part) => DNS_LABEL.test(part)));
  if (prefixFine && name.length <= 63 && QUALIFIED_NAME.test(name)) return undefined;
  return `${JSON.stringify(key)} is not a valid label key`;
}

export function labelValueFault(value: string): string | undefined {
  return value === "" || QUALIFIED_NAME.test(value) ? undefined : `${JSON.stringify(value)} is not a valid label value`;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]+$/;

/** The name of an HTTP header (RFC 7230 token). */
export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}
