import { CaError, type CaErrorCode } from "./error.ts";

/** One PEM block (RFC 7468): its label and the bytes inside. */
export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
}

const WHITE = 64;
const PADDING = 65;
/** By character code: the six bits of a base64 character, {@link WHITE}, {@link PADDING}, or 255 for what does not belong there. */
const SEXTETS = new Uint8Array(256).fill(255);
for (const [value, character] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries())
  SEXTETS[character.charCodeAt(0)] = value;
for (const character of "\r\n \t") SEXTETS[character.charCodeAt(0)] = WHITE;
SEXTETS["=".charCodeAt(0)] = PADDING;

/**
 * Strict base64 with white space: its alphabet only, right padding, no stray bits. undefined: it is not that. By hand, as one
 * pass over the text costs a third of a check and a decoding that is lenient.
 */
function decodeBase64(text: string, from: number, to: number): Buffer | undefined {
  const out = Buffer.allocUnsafe((((to - from) * 3) >> 2) + 3);
  let [at, bits, held, padding] = [0, 0, 0, 0];
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    const sextet = code < 256 ? (SEXTETS[code] ?? 255) : 255;
    if (sextet < WHITE) {
      if (padding > 0) return undefined;
      bits = (bits << 6) | sextet;
      if (++held < 4) continue;
      out[at++] = bits >> 16;
      out[at++] = bits >> 8;
      out[at++] = bits;
      bits = held = 0;
    } else if (sextet === PADDING) padding++;
    else if (sextet !== WHITE) return undefined;
  }
  if (held === 1 || padding !== (4 - held) % 4) return undefined;
  if ((held === 2 && (bits & 15) !== 0) || (held === 3 && (bits & 3) !== 0)) return undefined;
  if (held === 2) out[at++] = bits >> 4;
  if (held === 3) {
    out[at++] = bits >> 10;
    out[at++] = bits >> 2;
  }
  return out.subarray(0, at);
}

/**
 * Reads exactly one PEM block with one of the labels and nothing around it but white space at the end.
 * Throws {@link CaError} with `code`.
 */
export function decodeSinglePem(text: string, labels: readonly string[], code: CaErrorCode): Buffer {
  for (const label of labels) {
    const begin = `-----BEGIN ${label}-----`;
    if (!text.startsWith(begin)) continue;
    const end = `-----END ${label}-----`;
    const stop = text.indexOf(end, begin.length);
    if (stop < 0) throw new CaError(code, `PEM: no ${end}`);
    const rest = stop + end.length;
    const ends = rest === text.length || (rest + 1 === text.length && text[rest] === "\n"); // the usual two
    if (!ends && text.slice(rest).trim() !== "") throw new CaError(code, "PEM: there is text after the block");
    const bytes = decodeBase64(text, begin.length, stop);
    if (bytes === undefined) throw new CaError(code, "PEM: the body is not base64");
    if (bytes.length === 0) throw new CaError(code, "PEM: the body is empty");
    return bytes;
  }
  if (text.trim() === "") throw new CaError(code, "PEM: empty");
  throw new CaError(code, `PEM: expected a block ${labels.join(" or ")} and nothing before it`);
}

/**
 * Reads the PEM blocks of a file that people edit: byte-order mark, CRLF, comments and blank lines between blocks, a
 * missing last newline are all fine; a block that does not end or does not decode throws {@link CaError} with `code`.
 */
export function decodePemFile(text: string, code: CaErrorCode): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let body = "";
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const line = raw.trim();
    const edge = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/.exec(line);
    if (edge?.[1] === "BEGIN") {
      if (label !== undefined) throw new CaError(code, `PEM: a ${label} block does not end`);
      label = edge[2];
      body = "";
    } else if (edge?.[1] === "END") {
      const bytes = label === edge[2] && !/\s/.test(body) ? decodeBase64(body, 0, body.length) : undefined;
      if (label === undefined || bytes === undefined || bytes.length === 0)
        throw new CaError(code, `PEM: the ${edge[2]} block number ${blocks.length + 1} is broken`);
      blocks.push({ label, bytes });
      label = undefined;
    } else if (label !== undefined) body += line;
  }
  if (label !== undefined) throw new CaError(code, `PEM: a ${label} block does not end`);
  return blocks;
}

/** A PEM block, lines of 64 characters, with the last newline. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  let out = `-----BEGIN ${label}-----\n`;
  for (let at = 0; at < text.length; at += 64) out += `${text.slice(at, at + 64)}\n`;
  return `${out}-----END ${label}-----\n`;
}
