import { gunzipSync, inflateSync } from "node:zlib";
import { GrpcError, STATUS } from "./status.ts";

/** Expands a message to at most `maxBytes`. Throws a {@link GrpcError}. */
export type Decompress = (bytes: Buffer, maxBytes: number) => Buffer;

/** What clients may send. Answers are not compressed: they are small, or shared by all streams. */
const ENCODINGS: ReadonlyMap<string, Decompress | undefined> = new Map([
  ["identity", undefined],
  ["deflate", guarded(inflateSync)],
  ["gzip", guarded(gunzipSync)],
]);

const ACCEPTED_ENCODINGS = [...ENCODINGS.keys()].join(",");

function guarded(expand: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer): Decompress {
  return (bytes, maxBytes) => {
    try {
      // Node refuses a limit of 0.
      return expand(bytes, { maxOutputLength: Math.max(1, maxBytes) });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
        throw new GrpcError(STATUS.resourceExhausted, `a message that expands to more than ${maxBytes} bytes`, {
          cause,
        });
      throw new GrpcError(STATUS.internal, "a compressed message is malformed", { cause });
    }
  };
}

/** How messages of a call are expanded. Throws UNIMPLEMENTED for an encoding that is not known, with those that are. */
export function decompressionOf(encoding: string | undefined): Decompress | undefined {
  if (encoding === undefined || encoding === "identity") return undefined;
  const found = ENCODINGS.get(encoding);
  if (found) return found;
  throw new GrpcError(STATUS.unimplemented, `grpc-encoding ${encoding.slice(0, 40)} is not known`, {
    metadata: { "grpc-accept-encoding": ACCEPTED_ENCODINGS },
  });
}
