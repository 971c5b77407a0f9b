import type { CidrRange } from "../envoy.ts";

/** A range of addresses, compiled. */
export interface Range {
  readonly contains: (address: string) => boolean;
  readonly length: number;
  readonly words: string;
}

/** An IP address as a number and its width in bits; undefined for anything else. */
export function parseAddress(text: string): { readonly bits: 32 | 128; readonly value: bigint } | undefined {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    let value = 0n;
    for (const part of text.split(".")) {
      if (Number(part) > 255) return undefined;
      value = (value << 8n) | BigInt(part);
    }
    return { bits: 32, value };
  }
  return text.includes(":") ? parseSix(text) : undefined;
}

function parseSix(text: string): { readonly bits: 128; readonly value: bigint } | undefined {
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (mapped) {
    const four = parseAddress(mapped[2] ?? "");
    if (four === undefined) return undefined;
    const words = `${(four.value >> 16n).toString(16)}:${(four.value & 0xffffn).toString(16)}`;
    return parseSix(`${mapped[1]}${words}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const words = (half: string | undefined) => (half ? half.split(":") : []);
  const head = words(halves[0]);
  const tail = words(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const word of [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(word)) return undefined;
    value = (value << 16n) | BigInt(`0x${word}`);
  }
  return { bits: 128, value };
}

const ranges = new WeakMap<CidrRange, Range>();

/** Compiles a CidrRange; an absent length is 0, as in Envoy. */
export function rangeOf(range: CidrRange): Range {
  let compiled = ranges.get(range);
  if (compiled === undefined) {
    const { addressPrefix = "", prefixLen = 0 } = range;
    const prefix = parseAddress(addressPrefix);
    const shift = BigInt(Math.max(0, (prefix?.bits ?? 0) - prefixLen));
    compiled = {
      contains: (address) => {
        const parsed = parseAddress(address);
        return parsed !== undefined && parsed.bits === prefix?.bits && parsed.value >> shift === prefix.value >> shift;
      },
      length: prefixLen,
      words: `${addressPrefix}/${prefixLen}`,
    };
    ranges.set(range, compiled);
  }
  return compiled;
}

/** The length of the longest range that holds the address, −1 when none does. */
export function longestMatch(address: string, candidates: readonly CidrRange[]): number {
  let longest = -1;
  for (const candidate of candidates) {
    const range = rangeOf(candidate);
    if (range.length > longest && range.contains(address)) longest = range.length;
  }
  return longest;
}

/** Loopback, or the same address on both sides. */
export function isLocal(source: string, destination: string): boolean {
  return source === destination || source.startsWith("127.") || source === "::1";
}
