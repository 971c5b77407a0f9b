import type { Bits64 } from "./scalar.ts";

/** What small messages are written with: protobufjs' `Writer`, or a tape. */
export interface WireWriter {
  uint32(value: number): WireWriter;
  int32(value: number): WireWriter;
  int64(value: number | Bits64): WireWriter;
  uint64(value: number | Bits64): WireWriter;
  float(value: number): WireWriter;
  double(value: number): WireWriter;
  bool(value: boolean): WireWriter;
  string(value: string): WireWriter;
  bytes(value: Uint8Array): WireWriter;
  fork(): WireWriter;
  ldelim(): WireWriter;
}

/** And what they are read with. 64-bit integers give their decimals as text. */
export interface WireReader {
  readonly pos: number;
  uint32(): number;
  int32(): number;
  int64(): { toString(): string };
  uint64(): { toString(): string };
  float(): number;
  double(): number;
  bool(): boolean;
  string(): string;
  bytes(): Uint8Array;
  skipType(wireType: number): unknown;
}
