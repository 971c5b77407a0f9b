import type { Status } from "./status.ts";

/** The other end of a connection; nothing here is the client's own word. */
export interface Peer {
  /** `127.0.0.1:41234`, `::1:41234` or `unix`. */
  readonly address: string;
  readonly transport: "plaintext" | "tls" | "unix";
  /** The client's certificate, only where TLS verified it against the listener's authorities. */
  readonly certificate: PeerCertificate | undefined;
}

export interface PeerCertificate {
  readonly der: Uint8Array;
  /** Its subject alternative names as Node writes them: `DNS:a.example, URI:spiffe://…`. */
  readonly subjectAltName: string;
}

/** One call, as its method sees it. */
export interface Call {
  readonly path: string;
  readonly peer: Peer;
  /** Aborted when the client cancels or is gone, and when the deadline is over. */
  readonly signal: AbortSignal;
  /** Values of a request header, in order. */
  metadata(name: string): readonly string[];
  /** Values of a request header whose name ends in `-bin`. */
  binaryMetadata(name: string): readonly Buffer[];
}

/** One request, one answer. */
export interface UnaryMethod {
  readonly kind: "unary";
  /** `/package.Service/Method`. */
  readonly path: string;
  /** What is thrown ends the call: a {@link GrpcError} with its status, all else as UNKNOWN without details. */
  answer(request: Buffer, call: Call): Buffer | Promise<Buffer>;
}

/** Messages in both directions; with one request it is server streaming. */
export interface StreamMethod {
  readonly kind: "stream";
  /** `/package.Service/Method`. */
  readonly path: string;
  /** What is thrown, here or by the events, ends the call as with {@link UnaryMethod.answer}. */
  open(stream: ServerStream): StreamEvents;
}

export type Method = UnaryMethod | StreamMethod;

/** The server's side of a stream. */
export interface ServerStream {
  readonly call: Call;
  /**
   * Sends a message; the bytes may be shared with other streams and must not be changed. `done` when they have been taken by the
   * socket, or with an error when that will not be: who waits for it before the next message is paced by the client.
   */
  write(message: Uint8Array, done?: (error?: Error | null) => void): void;
  /** Ends the stream after what was written. Nothing is told the events after that but `closed`. */
  end(status?: Status): void;
}

/** What a stream tells its method. */
export interface StreamEvents {
  message(bytes: Buffer): void;
  /** The client has sent its last message. Default: the stream ends with OK. */
  halfClosed?(): void;
  /** The stream is gone, by whichever side; told once, and last. */
  closed(reason: string): void;
}
