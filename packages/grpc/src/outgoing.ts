import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { framed, headOf } from "./framing.ts";
import { trailersOf } from "./metadata.ts";
import { STATUS, type Status } from "./status.ts";

const HEADERS: OutgoingHttpHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
};
// gRPC has no use for a date.
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const ENDED = { endStream: true, sendDate: false };
const NO_COPY = 4_096;

/** What goes out on one HTTP/2 stream: headers, messages, trailers, in this order and no more than once. */
export class Outgoing {
  readonly #stream: ServerHttp2Stream;
  #status: Status | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Whether nothing can be sent any more. */
  get ended(): boolean {
    return this.#status !== undefined || this.#stream.destroyed || this.#stream.closed;
  }

  write(message: Uint8Array, done?: (error?: Error | null) => void): void {
    const stream = this.#stream;
    this.#begin();
    if (message.length <= NO_COPY) {
      stream.write(framed(message), done);
      return;
    }
    // Head and body leave as they are, in one go: the body may be shared by thousands of streams.
    stream.cork();
    stream.write(headOf(message.length));
    stream.write(message, done);
    stream.uncork();
  }

  /** The only message and the status OK. */
  answer(message: Uint8Array): void {
    if (this.ended) return;
    this.#status = { code: STATUS.ok };
    this.#begin();
    if (message.length > NO_COPY) {
      this.#stream.write(headOf(message.length));
      this.#stream.end(message);
    } else this.#stream.end(framed(message));
  }

  end(status: Status): void {
    if (this.ended) return;
    this.#status = status;
    if (this.#stream.headersSent) this.#stream.end();
    else {
      this.#stream.respond({ ...HEADERS, ...trailersOf(status) }, ENDED);
      this.#finish();
    }
  }

  #begin(): void {
    if (this.#stream.headersSent) return;
    this.#stream.respond(HEADERS, WITH_TRAILERS);
    this.#stream.on("wantTrailers", () => {
      this.#stream.sendTrailers(trailersOf(this.#status ?? { code: STATUS.unknown }));
      this.#finish();
    });
  }

  #finish(): void {
    if (!this.#stream.readableEnded) stopLater(this.#stream);
  }
}

/** How long a client has to end its side when the server has ended the call. Milliseconds. */
const LINGER = 1_000;

/**
 * A client that goes on sending is told that nobody reads it (RFC 9113, section 8.1). Not at once: of trailers and a reset that
 * arrive together some clients, Node's among them, see the reset only.
 */
function stopLater(stream: ServerHttp2Stream): void {
  const timer = setTimeout(() => {
    if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
  }, LINGER);
  timer.unref();
  stream.once("close", () => clearTimeout(timer));
}

/** Ends a request that is not gRPC at all. */
export function refuseHttp(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": status }, ENDED);
  stream.resume();
  stopLater(stream);
}
