/** IP addresses as text: no name resolution, no leniency (`010.0.0.1` and `1.2.3` are no addresses). */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

export function isIpv4(text: string): boolean {
  return IPV4.test(text) && !/(^|\.)0\d/.test(text);
}

/** Without zone. */
export function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(":")) return false;
  const lastColon = text.lastIndexOf(":");
  const tail = text.slice(lastColon + 1);
  const mapped = tail.includes(".");
  if (mapped && !isIpv4(tail)) return false;
  const groups = mapped ? `${text.slice(0, lastColon + 1)}0:0` : text;
  const halves = groups.split("::");
  if (halves.length > 2) return false;
  const parts = halves.map((half) => (half === "" ? [] : half.split(":")));
  const count = parts.reduce((sum, half) => sum + half.length, 0);
  if (parts.some((half) => half.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group)))) return false;
  return halves.length === 2 ? count < 8 : count === 8;
}

/** An IPv4 or IPv6 address; the latter may carry a zone (`fe80::1%eth0`). */
export function isIpAddress(text: string): boolean {
  const zone = text.indexOf("%");
  return zone < 0 ? isIpv4(text) || isIpv6(text) : zone < text.length - 1 && isIpv6(text.slice(0, zone));
}

/** `10.0.0.0/8`, `2001:db8::/32`; host bits may be set. */
export function isCidr(text: string): boolean {
  const slash = text.lastIndexOf("/");
  const address = text.slice(0, Math.max(slash, 0));
  const bits = text.slice(slash + 1);
  if (slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false;
  return isIpv4(address) ? Number(bits) <= 32 : isIpv6(address) && Number(bits) <= 128;
}

/** Splits `host:port`, `[::1]:port`, `:port`; a message when there is none. Source: Go `net.SplitHostPort`. */
export function splitHostPort(text: string): { host: string; port: string } | { fault: string } {
  const bracketed = /^\[([^[\]]*)\]:([^:[\]]*)$/.exec(text);
  if (bracketed) return { host: bracketed[1] ?? "", port: bracketed[2] ?? "" };
  const colon = text.lastIndexOf(":");
  if (colon < 0 || text.endsWith("]")) return { fault: `${JSON.stringify(text)} has no port` };
  if (text.indexOf(":") !== colon) return { fault: `${JSON.stringify(text)} has too many colons` };
  if (/[[\]]/.test(text)) return { fault: `${JSON.stringify(text)} has unexpected brackets` };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}
