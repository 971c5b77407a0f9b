import type { ServerHttp2Stream } from "node:http2";
import { binaryValues, headerValues } from "./metadata.ts";
import type { Call, Peer } from "./method.ts";

/** A call over HTTP/2. What is seldom asked for is made when it is. */
export class IncomingCall implements Call {
  readonly path: string;
  readonly peer: Peer;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: readonly string[];
  #abort: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(stream: ServerHttp2Stream, headers: readonly string[], path: string, peer: Peer) {
    this.#stream = stream;
    this.#headers = headers;
    this.path = path;
    this.peer = peer;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#aborted) this.#abort.abort(this.#aborted);
      else this.#stream.once("close", () => this.abort("the client is gone"));
    }
    return this.#abort.signal;
  }

  /** Says that the answer is no longer wanted. */
  abort(reason: string): void {
    this.#aborted ??= new Error(reason);
    this.#abort?.abort(this.#aborted);
  }

  metadata(name: string): readonly string[] {
    return headerValues(this.#headers, name);
  }

  binaryMetadata(name: string): readonly Buffer[] {
    return binaryValues(this.#headers, name);
  }
}
