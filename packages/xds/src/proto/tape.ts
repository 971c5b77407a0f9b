import type { Bits64 } from "./scalar.ts";
import type { WireReader, WireWriter } from "./wire.ts";

type Cell = number | bigint | boolean | string | Uint8Array;

/** What is written is read again as it would come back from bytes, without bytes: positions and lengths count values. */
export interface Tape {
  readonly writer: WireWriter;
  readonly reader: WireReader;
  /** Values written so far. */
  readonly length: number;
}

function bigOf(value: number | Bits64): bigint {
  if (typeof value === "number") return BigInt(value);
  const big = (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? BigInt.asUintN(64, big) : BigInt.asIntN(64, big);
}

/**
 * A writer and its reader, for messages that are read in the order and with the types they were written in. protobufjs' own
 * compile WebAssembly when they are loaded, which a page's content policy may forbid.
 */
export function createTape(): Tape {
  const cells: Cell[] = [];
  const open: number[] = [];
  let at = 0;
  const put = (cell: Cell) => {
    cells.push(cell);
    return writer;
  };
  const writer: WireWriter = {
    uint32: (value) => put(value >>> 0),
    int32: (value) => put(value | 0),
    int64: (value) => put(bigOf(value)),
    uint64: (value) => put(bigOf(value)),
    float: (value) => put(Math.fround(value)),
    double: put,
    bool: put,
    string: (value) => put(value.toWellFormed()),
    bytes: put,
    fork() {
      open.push(cells.length);
      return put(0);
    },
    ldelim() {
      const start = open.pop() ?? 0;
      cells[start] = cells.length - start - 1;
      return writer;
    },
  };
  const take = <C extends Cell>() => cells[at++] as C;
  const reader: WireReader = {
    get pos() {
      return at;
    },
    uint32: take,
    int32: take,
    int64: take,
    uint64: take,
    float: take,
    double: take,
    bool: take,
    string: take,
    bytes: take,
    skipType: take,
  };
  return {
    writer,
    reader,
    get length() {
      return cells.length;
    },
  };
}
