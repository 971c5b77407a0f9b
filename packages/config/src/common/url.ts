/**
 * The scheme and what follows of a URL, as Go's `net/url` reads it, or what is wrong with it. Without a scheme, `scheme`
 * is empty.
 */
export function parseUrl(text: string): { scheme: string; host: string } | { fault: string } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return { fault: "a URL must not have control characters" };
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return { fault: "has a % that is no escape" };
  const [, scheme = "", rest = ""] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(.*)$/s.exec(text) ?? [];
  const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1] ?? "";
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (/[ <>"^`{|}\\]/.test(host)) return { fault: `has the invalid host ${JSON.stringify(host)}` };
  if (/[[\]]/.test(host) && !/^\[[^[\]]*\](:\d*)?$/.test(host))
    return { fault: `has the invalid host ${JSON.stringify(host)}` };
  if (/:[^\]]*\D[^\]]*$/.test(host.replace(/^.*]/, "")))
    return { fault: `has an invalid port in ${JSON.stringify(host)}` };
  return { scheme: scheme.toLowerCase(), host };
}
