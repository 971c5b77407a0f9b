import { CaError, type CaErrorCode } from "./error.ts";

/** One PEM block (RFC 7468): its label and the bytes inside. */
export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Strict base64: this alphabet only, right padding, no stray bits. undefined: it is not that. */
function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return text.endsWith("=") && bytes.toString("base64") !== text ? undefined : bytes;
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
    if (text.slice(stop + end.length).trim() !== "") throw new CaError(code, "PEM: there is text after the block");
    const bytes = decodeBase64(text.slice(begin.length, stop).replace(/[\r\n \t]+/g, ""));
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
      const bytes = label === edge[2] ? decodeBase64(body) : undefined;
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
