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

const NOTHING = Buffer.alloc(0);

/**
 * Cuts what arrives into messages. It keeps at most twice of what has arrived, whatever a head promises, and refuses a message that
 * is too long at its head.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #decompress: Decompress | undefined;
  #buffer = NOTHING;
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
      this.#hold(chunk);
      if (this.#held < this.#needed) return;
      bytes = this.#buffer.subarray(0, this.#held);
      // Messages are given on as parts of it.
      this.#buffer = NOTHING;
      this.#held = 0;
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
    if (at < bytes.length) this.#hold(bytes.subarray(at));
  }

  /** A copy: a chunk of one byte may be part of a buffer of 64 KiB, and a message come in thousands of them. */
  #hold(chunk: Buffer): void {
    const size = this.#held + chunk.length;
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, Math.min(2 * this.#buffer.length, this.#needed)));
      this.#buffer.copy(larger, 0, 0, this.#held);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#held);
    this.#held = size;
  }

  #expand(flag: number | undefined, body: Buffer): Buffer {
    if (flag !== 1) throw new GrpcError(STATUS.internal, `a message with the flag ${flag}`);
    if (!this.#decompress) throw new GrpcError(STATUS.internal, "a compressed message, and no grpc-encoding");
    return this.#decompress(body, this.#maxBytes);
  }
}
