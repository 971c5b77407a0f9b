import type { NodeJson } from "@fairlead/model";
import grpc from "@grpc/grpc-js";
import { readUpdate, type Update } from "../client/update.ts";
import { encode } from "../proto/codec.ts";

export type Mode = "sotw" | "delta";

export interface RawStreamOptions {
  /** `127.0.0.1:15010` or `unix:/path`. */
  readonly address: string;
  /** Default: plaintext. */
  readonly credentials?: grpc.ChannelCredentials;
  /** Request headers, such as `authorization`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A stream of the aggregated service on which nothing happens by itself: no acknowledgement, no subscription. */
export interface RawStream {
  readonly mode: Mode;
  /** A `DiscoveryRequest` or `DeltaDiscoveryRequest` in protobuf JSON. */
  send(request: object): void;
  /** The next response of the type; undefined when none comes within so many milliseconds. Others stay for later. */
  next(typeUrl: string, milliseconds: number): Promise<Update | undefined>;
  /** Type URLs of all responses so far, in order. */
  readonly order: readonly string[];
  /** The status that the server ended it with; undefined: it did not within so many milliseconds. */
  ended(milliseconds: number): Promise<{ readonly code: number; readonly message: string } | undefined>;
  close(): void;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** How often what has come is looked at, in milliseconds. */
const LOOK = 5;

export function openRawStream(mode: Mode, node: NodeJson, options: RawStreamOptions): RawStream {
  const channel = new grpc.Client(options.address, options.credentials ?? grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
  });
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  const path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${mode === "delta" ? "Delta" : "Stream"}AggregatedResources`;
  const call = channel.makeBidiStreamRequest(path, identity, identity, metadata);
  const waiting: Update[] = [];
  const order: string[] = [];
  let end: { readonly code: number; readonly message: string } | undefined;
  let nodeSent = false;
  call.on("data", (bytes: Buffer) => {
    const update = readUpdate(mode, bytes);
    order.push(update.typeUrl);
    waiting.push(update);
  });
  call.on("error", () => undefined);
  call.on("status", ({ code, details }: grpc.StatusObject) => {
    end = { code, message: details };
  });
  const poll = async <T>(milliseconds: number, look: () => T | undefined): Promise<T | undefined> => {
    const last = performance.now() + milliseconds;
    for (;;) {
      const found = look();
      if (found !== undefined || performance.now() > last) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  };
  return {
    mode,
    order,
    send(request) {
      const body = nodeSent ? request : { node, ...request };
      nodeSent = true;
      call.write(
        Buffer.from(encode(`envoy.service.discovery.v3.${mode === "delta" ? "Delta" : ""}DiscoveryRequest`, body)),
      );
    },
    next: (typeUrl, milliseconds) =>
      poll(milliseconds, () => {
        const at = waiting.findIndex((update) => update.typeUrl === typeUrl);
        return at < 0 ? undefined : waiting.splice(at, 1)[0];
      }),
    ended: (milliseconds) => poll(milliseconds, () => end),
    close() {
      call.cancel();
      channel.close();
    },
  };
}
