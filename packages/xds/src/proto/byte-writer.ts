import type { Bits64 } from "./scalar.ts";
import type { WireWriter } from "./wire.ts";

const FIRST_SIZE = 64 * 1024;
/** What is kept for the next message; a larger buffer is let go. */
const KEPT_SIZE = 4 * 1024 * 1024;
/** Up to here letter by letter is faster than a call of the encoder. */
const SHORT = 128;

const utf8 = new TextEncoder();

/**
 * Writes the protobuf wire format into one growing buffer. A block's length is put before it when it ends: one byte is kept free,
 * and what is written moves up when it takes more. Not for two messages at once.
 */
export class ByteWriter implements WireWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #open: number[] = [];

  /** Forgets what was written. */
  reset(): void {
    this.#at = 0;
    this.#open.length = 0;
  }

  /** A copy of what was written, exactly as long. */
  finish(): Uint8Array {
    const made = this.#bytes.slice(0, this.#at);
    if (this.#bytes.length > KEPT_SIZE) this.#resize(FIRST_SIZE);
    this.reset();
    return made;
  }

  uint32(value: number): this {
    this.#room(5);
    if (value < 0x80) this.#bytes[this.#at++] = value;
    else this.#varint(value >>> 0);
    return this;
  }

  int32(value: number): this {
    if (value >= 0) return this.uint32(value);
    return this.#varint64(value >>> 0, 0xffffffff);
  }

  sint32(value: number): this {
    return this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed32(value: number): this {
    this.#room(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  sfixed32(value: number): this {
    return this.fixed32(value >>> 0);
  }

  int64(value: number | Bits64): this {
    if (typeof value !== "number") return this.#varint64(value.low >>> 0, value.high >>> 0);
    return this.#varint64(value >>> 0, Math.floor(value / 0x100000000) >>> 0);
  }

  uint64(value: number | Bits64): this {
    return this.int64(value);
  }

  sint64({ low, high }: Bits64): this {
    const sign = high >> 31;
    return this.#varint64(((low << 1) ^ sign) >>> 0, (((high << 1) | (low >>> 31)) ^ sign) >>> 0);
  }

  fixed64({ low, high }: Bits64): this {
    return this.fixed32(low >>> 0).fixed32(high >>> 0);
  }

  sfixed64(value: Bits64): this {
    return this.fixed64(value);
  }

  float(value: number): this {
    this.#room(4);
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  double(value: number): this {
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
    return this;
  }

  bool(value: boolean): this {
    this.#room(1);
    this.#bytes[this.#at++] = value ? 1 : 0;
    return this;
  }

  string(value: string): this {
    const { length } = value;
    // No letter takes more than three bytes, and the length no more than five.
    this.#room(length * 3 + 5);
    if (length < SHORT) {
      const bytes = this.#bytes;
      const start = this.#at + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        bytes[start + index] = code;
      }
      if (index === length) {
        bytes[start - 1] = length;
        this.#at = start + length;
        return this;
      }
    }
    this.fork();
    this.#at += utf8.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    return this.ldelim();
  }

  bytes(value: Uint8Array): this {
    return this.uint32(value.length).raw(value);
  }

  /** Bytes that are on the wire as they are. */
  raw(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /** Where the next byte goes. What stands from there on may still move up; see {@link ByteWriter.since}. */
  get position(): number {
    return this.#at;
  }

  /** A copy of what was written from a position on, taken before any block ends that was open there. */
  since(position: number): Uint8Array {
    return this.#bytes.slice(position, this.#at);
  }

  fork(): this {
    this.#room(1);
    this.#open.push(this.#at++);
    return this;
  }

  ldelim(): this {
    const start = this.#open.pop() as number;
    const length = this.#at - start - 1;
    if (length < 0x80) {
      this.#bytes[start] = length;
      return this;
    }
    const more = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.#room(more);
    this.#bytes.copyWithin(start + 1 + more, start + 1, this.#at);
    const end = this.#at + more;
    this.#at = start;
    this.#varint(length);
    this.#at = end;
    return this;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #varint64(low: number, high: number): this {
    this.#room(10);
    let rest = low;
    let above = high;
    while (above > 0) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    this.#varint(rest);
    return this;
  }

  #room(count: number): void {
    const needed = this.#at + count;
    if (needed > this.#bytes.length) this.#resize(Math.max(needed, this.#bytes.length * 2));
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, Math.min(this.#at, size)));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
