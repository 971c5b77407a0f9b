const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/** Whether the text is an IPv4 or IPv6 address. Uses the URL standard's parser: no Node API. */
export function isIpAddress(text: string): boolean {
  if (IPV4.test(text)) return true;
  return /^[0-9a-fA-F:.]+$/.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** An address or CIDR range; a range of one address is written as that address, in its canonical form. Undefined: it is neither. */
export function normalizeVirtualIp(text: string): string | undefined {
  if (isIpAddress(text)) return text;
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  const width = IPV4.test(address) ? 32 : 128;
  if (!isIpAddress(address) || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > width) return undefined;
  if (Number(bits) < width) return text;
  return width === 32 ? address : new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
