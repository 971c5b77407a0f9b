import { connect, type Socket } from "node:net";

/** HTTP/2 frame types (RFC 9113, section 6). */
export const FRAME = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export function frame(type: number, flags: number, stream: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** Header fields as HPACK literals, never indexed, without Huffman codes (RFC 7541, section 6.2.3). */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, "latin1");
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    const size = [127];
    let rest = bytes.length - 127;
    for (; rest > 127; rest >>>= 7) size.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([...size, rest]), bytes]);
  };
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0x10]), text(name), text(value)]),
  );
}

export const request = (path: string, more: Readonly<Record<string, string>> = {}): Buffer =>
  headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "t",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });

export interface RawClient {
  write(...parts: Buffer[]): void;
  readonly received: {
    readonly type: number;
    readonly flags: number;
    readonly stream: number;
    readonly body: Buffer;
  }[];
  readonly closed: boolean;
  close(): void;
}

/** A TCP client that has sent the preface, or nothing, and answers nothing by itself. */
export async function rawClient(port: number, preface = true): Promise<RawClient> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const made = connect(port, "127.0.0.1", () => resolve(made));
    made.once("error", reject);
  });
  const received: RawClient["received"] = [];
  let rest = Buffer.alloc(0);
  let closed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => {
    closed = true;
  });
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      received.push({
        type: rest[3] ?? 0,
        flags: rest[4] ?? 0,
        stream: rest.readUInt32BE(5),
        body: Buffer.from(rest.subarray(9, end)),
      });
      rest = rest.subarray(end);
    }
  });
  if (preface) socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.settings, 0, 0)]));
  return {
    write: (...parts) => void socket.write(Buffer.concat(parts)),
    received,
    get closed() {
      return closed;
    },
    close: () => void socket.destroy(),
  };
}
