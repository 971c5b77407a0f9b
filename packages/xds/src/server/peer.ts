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
