import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { GrpcError, type GrpcServer, type GrpcServerOptions, listenGrpc, type Method } from "../../src/index.ts";

export const same = (bytes: Buffer): Buffer => bytes;

/** What the tests call: echoes, failures of every kind, and a method that never answers. */
export function methods(log: string[]): readonly Method[] {
  return [
    { kind: "unary", path: "/t.T/Echo", answer: async (request) => request },
    {
      kind: "unary",
      path: "/t.T/Fail",
      answer(_, call) {
        const [how] = call.metadata("x-how");
        if (how === "throw") throw new Error("a secret of the server");
        const metadata = { "x-detail-bin": Buffer.from([0, 1, 255]), "x-text": "text" };
        throw new GrpcError(9, "für 100 %", { metadata });
      },
    },
    {
      kind: "unary",
      path: "/t.T/Hang",
      answer: (_, call) =>
        new Promise(() => call.signal.addEventListener("abort", () => log.push(call.signal.reason.message))),
    },
    {
      kind: "unary",
      path: "/t.T/Headers",
      answer: (_, call) =>
        Buffer.from(
          JSON.stringify([
            call.metadata("x-a"),
            call.binaryMetadata("x-bin").map((value) => value.toString("hex")),
            call.peer.address.replace(/\d+$/, "PORT"),
            call.peer.transport,
          ]),
        ),
    },
    {
      kind: "stream",
      path: "/t.T/EchoAll",
      open(stream) {
        if (stream.call.metadata("x-how")[0] === "throw") throw new Error("at once");
        return {
          message(bytes) {
            if (bytes.equals(Buffer.from("throw"))) throw new Error("in the middle");
            if (bytes.equals(Buffer.from("end"))) stream.end({ code: 14, details: "enough" });
            else stream.write(bytes);
          },
          closed: (reason) => log.push(`closed: ${reason}`),
        };
      },
    },
  ];
}

export interface Serving {
  readonly server: GrpcServer;
  readonly client: Client;
  /** What methods and the server reported. */
  readonly log: string[];
  call(name: string, request?: Buffer, metadata?: Metadata, deadline?: number): Promise<Buffer>;
  close(): Promise<void>;
}

export async function serveForTest(options: Partial<GrpcServerOptions> = {}): Promise<Serving> {
  const log: string[] = [];
  const server = await listenGrpc({
    address: "127.0.0.1:0",
    methods: methods(log),
    onError: (error) => log.push(`error: ${(error as Error).message}`),
    ...options,
  });
  const client = new Client(server.address, credentials.createInsecure());
  return {
    server,
    client,
    log,
    call: (name, request = Buffer.from("hi"), metadata = new Metadata(), deadline) =>
      new Promise((resolve, reject) =>
        client.makeUnaryRequest(
          `/t.T/${name}`,
          same,
          same,
          request,
          metadata,
          deadline === undefined ? {} : { deadline: Date.now() + deadline },
          (error: ServiceError | null, value?: Buffer) => (value ? resolve(value) : reject(error)),
        ),
      ),
    async close() {
      client.close();
      await server.close(0);
    },
  };
}

/** Waits until `check` holds; fails after three seconds. */
export async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 3_000;
  while (!check()) {
    if (performance.now() > end) throw new Error(`did not come true: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
