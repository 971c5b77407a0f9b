import type { AdditionalAddress, Address, CidrRange } from "../../proto/types.ts";

/** Which families of addresses a proxy has. */
export type AddressFamily = "IPv4" | "IPv6" | "Dual";

export const WILDCARDS: Readonly<Record<AddressFamily, readonly [string, ...string[]]>> = {
  IPv4: ["0.0.0.0"],
  IPv6: ["::"],
  Dual: ["0.0.0.0", "::"],
};

export const LOCALHOSTS: Readonly<Record<AddressFamily, readonly [string, ...string[]]>> = {
  IPv4: ["127.0.0.1"],
  IPv6: ["::1"],
  Dual: ["127.0.0.1", "::1"],
};

export const UNSPECIFIED = "0.0.0.0";

const UNIX_PREFIX = "unix://";

export function isUnixSocket(bind: string): boolean {
  return bind.startsWith(UNIX_PREFIX);
}

export function isIPv6(address: string): boolean {
  return address.includes(":");
}

/** IPv4 in dotted form or IPv6; not a host name, not a CIDR. */
export function isIpAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || (text.includes(":") && /^[0-9a-fA-F:.]+$/.test(text));
}

export function addressFamily(addresses: readonly string[]): AddressFamily {
  const six = addresses.some(isIPv6);
  const four = addresses.some((address) => !isIPv6(address));
  return six ? (four ? "Dual" : "IPv6") : "IPv4";
}

/** `address_port`, as Istio names listeners. */
export function listenerName(bind: string, port: number): string {
  return `${bind}_${port}`;
}

/** A socket address, or a Unix socket when there is no port. */
export function listenAddress(bind: string, port: number): Address {
  return port === 0
    ? { pipe: { path: isUnixSocket(bind) ? bind.slice(UNIX_PREFIX.length) : bind } }
    : { socketAddress: { address: bind, portValue: port } };
}

/** Further addresses that the same listener has; undefined without any. */
export function additionalAddresses(binds: readonly string[], port: number): AdditionalAddress[] | undefined {
  return binds.length === 0 ? undefined : binds.map((bind) => ({ address: listenAddress(bind, port) }));
}

/** An address or CIDR as Envoy matches it; undefined when it is neither. */
export function cidrRange(text: string): CidrRange | undefined {
  const [address = "", length] = text.split("/");
  if (!isIpAddress(address)) return undefined;
  const prefixLen = length === undefined ? (isIPv6(address) ? 128 : 32) : Number(length);
  return Number.isInteger(prefixLen) ? { addressPrefix: address, prefixLen } : undefined;
}

/** The bytes of an IP address, in network order: 4 or 16. */
export function addressBytes(address: string): Uint8Array {
  return isIPv6(address)
    ? Uint8Array.from(expandIPv6(address).flatMap((group) => [group >> 8, group & 0xff]))
    : Uint8Array.from(address.split("."), Number);
}

/** A CIDR with the bits beyond its length cleared, so that equal ranges are equal texts. */
export function maskedCidr(text: string): string | undefined {
  const range = cidrRange(text);
  if (!range) return undefined;
  const { addressPrefix = "", prefixLen = 0 } = range;
  if (isIPv6(addressPrefix)) {
    const groups = expandIPv6(addressPrefix);
    return `${groups.map((group, index) => maskPart(group, prefixLen - index * 16, 16).toString(16)).join(":")}/${prefixLen}`;
  }
  const parts = addressPrefix.split(".").map(Number);
  return `${parts.map((part, index) => maskPart(part, prefixLen - index * 8, 8)).join(".")}/${prefixLen}`;
}

function maskPart(value: number, bits: number, width: number): number {
  if (bits >= width) return value;
  return bits <= 0 ? 0 : value & (((1 << bits) - 1) << (width - bits));
}

function expandIPv6(address: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address;
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return groups(head);
  const start = groups(head);
  const end = groups(tail);
  return [...start, ...new Array<number>(Math.max(0, 8 - start.length - end.length)).fill(0), ...end];
}
