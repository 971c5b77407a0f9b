/** The other end of a stream, as the transport knows it; nothing here is the client's own word but `metadata`. */
export interface Peer {
  /** `127.0.0.1:41234`, or `unix`. */
  readonly address: string;
  readonly transport: "plaintext" | "tls" | "unix";
  /** The verified client certificate, in DER; only where the listener asked for one. */
  readonly certificate: Uint8Array | undefined;
  /** URI subject alternative names of that certificate (`spiffe://…`). */
  readonly identities: readonly string[];
  /** Values of a request header of the stream, such as `authorization`. */
  metadata(name: string): readonly string[];
}

/** One name of Node's text for subject alternative names: a value with odd characters stands in quotes, as JSON. */
const NAME = /([^:,]+):("(?:[^"\\]|\\.)*"|(?!")[^,]*)(?:, |$)/y;

/**
 * The URI names in the text that Node gives for a certificate's subject alternative names. What stands inside the quotes of another
 * name is not taken for one; a text that cannot be read to its end has none.
 */
export function uriNames(subjectAltName: string): readonly string[] {
  const uris: string[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < subjectAltName.length) {
    const match = NAME.exec(subjectAltName);
    if (!match) return [];
    const [, type, value = ""] = match;
    if (type === "URI") uris.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  return uris;
}
