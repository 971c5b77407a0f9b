import type { Decompress } from "./compression.ts";
import { GrpcError, STATUS } from "./status.ts";

/** Bytes before each message: a flag and the length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const HEAD = 5;

/** The head of a message that is not compressed. */
export function headOf(length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD);
  putHead(head, length);
  return head;
}

/** Head and message in one buffer, for messages so small that two writes cost more than a copy. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD + message.length);
  putHead(frame, message.length);
  frame.set(message, HEAD);
  return frame;
}

function putHead(target: Buffer, length: number): void {
  target[0] = 0;
  target.writeUInt32BE(length, 1);
}

/**
 * Cuts what arrives into messages. It keeps no more than has arrived, whatever a head promises, and refuses a message that
 * is too long at its head.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #decompress: Decompress | undefined;
  #parts: Buffer[] = [];
  #held = 0;
  /** Bytes that must be there before something can be read. */
  #needed = HEAD;

  /** `decompress`: of the encoding that the call named, if any. */
  constructor(maxBytes: number, decompress: Decompress | undefined) {
    this.#maxBytes = maxBytes;
    this.#decompress = decompress;
  }

  /** Bytes of a message that has begun and not ended. */
  get held(): number {
    return this.#held;
  }

  /** Hands on the messages that are whole now. Throws a {@link GrpcError}; nothing may be read after that. */
  read(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let bytes = chunk;
    if (this.#held > 0) {
      this.#parts.push(chunk);
      this.#held += chunk.length;
      if (this.#held < this.#needed) return;
      bytes = Buffer.concat(this.#parts, this.#held);
    }
    let at = 0;
    this.#needed = HEAD;
    while (bytes.length - at >= HEAD) {
      const length = bytes.readUInt32BE(at + 1);
      if (length > this.#maxBytes)
        throw new GrpcError(
          STATUS.resourceExhausted,
          `a message of ${length} bytes; at most ${this.#maxBytes} are received`,
        );
      const end = at + HEAD + length;
      if (end > bytes.length) {
        this.#needed = HEAD + length;
        break;
      }
      const flag = bytes[at];
      const body = bytes.subarray(at + HEAD, end);
      at = end;
      onMessage(flag === 0 ? body : this.#expand(flag, body));
    }
    this.#parts = at < bytes.length ? [at === 0 ? bytes : bytes.subarray(at)] : [];
    this.#held = bytes.length - at;
  }

  #expand(flag: number | undefined, body: Buffer): Buffer {
    if (flag !== 1) throw new GrpcError(STATUS.internal, `a message with the flag ${flag}`);
    if (!this.#decompress) throw new GrpcError(STATUS.internal, "a compressed message, and no grpc-encoding");
    return this.#decompress(body, this.#maxBytes);
  }
}
