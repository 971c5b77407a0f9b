import type { OutgoingHttpHeaders } from "node:http2";
import { type Metadata, STATUS, type Status } from "./status.ts";

/** All values of a header of a request, in order, from Node's raw list (name, value, name, value, …). */
export function headerValues(raw: readonly string[], name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) if (raw[at] === wanted) values.push(raw[at + 1] ?? "");
  return values;
}

/** Values of a `-bin` header: base64 with or without padding; several may stand in one header, with commas between. */
export function binaryValues(raw: readonly string[], name: string): Buffer[] {
  return headerValues(raw, name).flatMap((value) => value.split(",").map((part) => Buffer.from(part, "base64")));
}

/** Names that the protocol itself uses are not for metadata. */
const RESERVED = /^(?::|grpc-(?:status|message|encoding|timeout|message-type)$|content-type$|te$)/;
const NAME = /^[0-9a-z_.-]+$/;
const TEXT = /^[\x20-\x7e]*$/;
/** Longest message of a status that is sent, in characters: more does not fit a client's limit on headers. */
const MAX_DETAILS = 4_000;
const MAX_VALUE = 8_192;

const OK: OutgoingHttpHeaders = { "grpc-status": "0" };

/** A status as trailers. Metadata that no client could read (odd names, text that is not printable ASCII) is left out. */
export function trailersOf({ code, details = "", metadata }: Status): OutgoingHttpHeaders {
  if (code === STATUS.ok && details === "" && metadata === undefined) return OK;
  const trailers: OutgoingHttpHeaders = {};
  for (const [key, value] of Object.entries(metadata ?? {})) {
    const text = metadataValue(key, value);
    if (text !== undefined) trailers[key] = text;
  }
  trailers["grpc-status"] = String(Number.isInteger(code) && code >= 0 ? code : STATUS.unknown);
  if (details !== "") trailers["grpc-message"] = percentEncode(details.slice(0, MAX_DETAILS));
  return trailers;
}

function metadataValue(key: string, value: Metadata[string]): string | undefined {
  if (!NAME.test(key) || RESERVED.test(key)) return undefined;
  const text = typeof value === "string" ? value : Buffer.from(value).toString("base64");
  const fits = text.length <= MAX_VALUE && key.endsWith("-bin") === (typeof value !== "string");
  return fits && TEXT.test(text) ? text : undefined;
}

/** The message of a status (gRPC over HTTP/2, "Percent-Encoded"): all but printable ASCII, and the percent sign. */
function percentEncode(details: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(details)) return details;
  let encoded = "";
  for (const byte of Buffer.from(details, "utf8"))
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return encoded;
}
