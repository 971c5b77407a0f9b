import type { Peer } from "./peer.ts";

/** One stream of whatever carries the protocol. */
export interface Transport {
  readonly mode: "sotw" | "delta";
  readonly peer: Peer;
  /** The one type of the service, or `undefined` for an aggregated stream. */
  readonly typeUrl: string | undefined;
  /** The client waits for one response; of names that do not exist it is `NOT_FOUND`. */
  readonly single?: boolean;
  /** Never called again before `done`. The bytes are shared and must not be changed. */
  send(bytes: Buffer, done: (error?: Error | null) => void): void;
  /** Ends the stream from the server's side, with a gRPC status code. */
  end(code: number, message: string): void;
}
