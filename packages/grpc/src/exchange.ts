import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Batch } from "./batch.ts";
import { decompressionOf } from "./compression.ts";
import type { Connection } from "./connection.ts";
import { parseTimeout } from "./deadline.ts";
import { MessageReader } from "./framing.ts";
import { IncomingCall } from "./incoming-call.ts";
import type { Method, StreamEvents, StreamMethod, UnaryMethod } from "./method.ts";
import { Outgoing, refuseHttp } from "./outgoing.ts";
import { GrpcError, STATUS, type Status } from "./status.ts";

/** What all calls of a server share. */
export interface Serving {
  readonly methods: ReadonlyMap<string, Method>;
  readonly maxReceiveBytes: number;
  /** Of messages that have begun and not ended, on one connection. */
  readonly maxHeldBytes: number;
  /** Requests of unary methods, waiting for their turn. */
  readonly batch: Batch;
  /** Told of what a method threw that is no {@link GrpcError}. */
  onError(error: unknown, path: string): void;
}

/** Serves one HTTP/2 stream. Nothing is thrown. */
export function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  connection: Connection,
  serving: Serving,
): void {
  // Errors of a stream are the end of it, which `close` tells.
  stream.on("error", ignore);
  try {
    const refusal = headers[":method"] !== "POST" ? 405 : isGrpc(headers["content-type"]) ? undefined : 415;
    if (refusal !== undefined) {
      refuseHttp(stream, refusal);
      return;
    }
    const path = headers[":path"] ?? "";
    const call = new IncomingCall(stream, raw, path, connection.peer);
    const exchange = new Exchange(stream, call, connection, serving);
    exchange.start(serving.methods.get(path), headers);
  } catch (error) {
    serving.onError(error, headers[":path"] ?? "");
    stream.destroy();
  }
}

/** `application/grpc`, also with a message format (`+proto`) or parameters. */
function isGrpc(contentType: string | undefined): boolean {
  return contentType === "application/grpc" || /^application\/grpc[+;]/.test(contentType ?? "");
}

const ignore = (): void => undefined;

class Exchange {
  readonly #stream: ServerHttp2Stream;
  readonly #call: IncomingCall;
  readonly #connection: Connection;
  readonly #serving: Serving;
  readonly #outgoing: Outgoing;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ServerHttp2Stream, call: IncomingCall, connection: Connection, serving: Serving) {
    this.#stream = stream;
    this.#call = call;
    this.#connection = connection;
    this.#serving = serving;
    this.#outgoing = new Outgoing(stream);
  }

  start(method: Method | undefined, headers: IncomingHttpHeaders): void {
    try {
      if (!method) throw new GrpcError(STATUS.unimplemented, `there is no method ${this.#call.path.slice(0, 200)}`);
      const decompress = decompressionOf(one(headers["grpc-encoding"]));
      const timeout = one(headers["grpc-timeout"]);
      if (timeout !== undefined) this.#expire(parseTimeout(timeout));
      const reader = new MessageReader(this.#serving.maxReceiveBytes, decompress);
      if (method.kind === "unary") this.#unary(method, reader);
      else this.#streaming(method, reader);
    } catch (error) {
      this.#fail(error);
    }
  }

  #unary(method: UnaryMethod, reader: MessageReader): void {
    let request: Buffer | undefined;
    const take = (message: Buffer) => {
      if (request) throw new GrpcError(STATUS.unimplemented, "more than one message for a method that takes one");
      request = message;
    };
    this.#read(reader, take, () => {
      if (!request) throw new GrpcError(STATUS.unimplemented, "no message for a method that takes one");
      const message = request;
      this.#serving.batch.add(() => this.#guard(() => this.#run(method, message)));
    });
  }

  #run(method: UnaryMethod, request: Buffer): void {
    // The client may have gone while others had their turn.
    if (this.#outgoing.ended) return;
    const answer = method.answer(request, this.#call);
    if (answer instanceof Promise)
      answer.then(
        (bytes) => this.#answer(bytes),
        (error: unknown) => this.#fail(error),
      );
    else this.#answer(answer);
  }

  #streaming(method: StreamMethod, reader: MessageReader): void {
    const outgoing = this.#outgoing;
    let events: StreamEvents | undefined;
    let reason = "the client is gone";
    const end = (status: Status = { code: STATUS.ok }) => {
      reason = "the server ended the stream";
      this.#end(status);
    };
    this.#stream.once("close", () => this.#guard(() => events?.closed(reason)));
    events = method.open({
      call: this.#call,
      write: (message, done) => {
        if (outgoing.ended) done?.(new Error("the stream has ended"));
        else outgoing.write(message, done);
      },
      end,
    });
    const { message, halfClosed } = events;
    this.#read(
      reader,
      (bytes) => message.call(events, bytes),
      () => {
        if (halfClosed) halfClosed.call(events);
        else {
          reason = "the client ended the stream";
          this.#end({ code: STATUS.ok });
        }
      },
    );
  }

  /** Hands on messages, then their end. What is thrown on the way ends the call. */
  #read(reader: MessageReader, onMessage: (message: Buffer) => void, onEnd: () => void): void {
    const stream = this.#stream;
    const next = (message: Buffer) => {
      if (!this.#outgoing.ended) onMessage(message);
    };
    let held: number | undefined;
    const hold = (bytes: number) => {
      // Most messages are whole when they arrive.
      if (held === undefined && bytes === 0) return;
      if (held === undefined) stream.on("close", () => hold(0));
      this.#connection.heldBytes += bytes - (held ?? 0);
      held = bytes;
    };
    stream.on("data", (chunk: Buffer) => {
      if (this.#outgoing.ended) return;
      this.#guard(() => {
        reader.read(chunk, next);
        hold(reader.held);
        if (reader.held > 0 && this.#connection.heldBytes > this.#serving.maxHeldBytes)
          throw new GrpcError(
            STATUS.resourceExhausted,
            "too many messages of this connection have begun and not ended",
          );
      });
    });
    stream.on("end", () =>
      this.#guard(() => {
        if (this.#outgoing.ended || stream.aborted) return;
        if (reader.held > 0) throw new GrpcError(STATUS.internal, "the request ends within a message");
        onEnd();
      }),
    );
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #expire(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#call.abort("the deadline is over");
      // What the client has not taken until now it never will, and no status comes after it.
      if (this.#stream.writableLength > 0) this.#stream.close(constants.NGHTTP2_CANCEL);
      else this.#end({ code: STATUS.deadlineExceeded, details: "the deadline is over" });
    }, milliseconds);
    this.#stream.once("close", () => clearTimeout(this.#timer));
  }

  #answer(bytes: Buffer): void {
    this.#guard(() => this.#outgoing.answer(bytes));
  }

  #fail(error: unknown): void {
    if (error instanceof GrpcError) this.#end(error.status);
    else {
      this.#serving.onError(error, this.#call.path);
      this.#end({ code: STATUS.unknown, details: "the call failed" });
    }
  }

  #end(status: Status): void {
    try {
      this.#outgoing.end(status);
    } catch (error) {
      this.#serving.onError(error, this.#call.path);
      this.#stream.destroy();
    }
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
