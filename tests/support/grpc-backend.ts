import { Client, credentials, Metadata, type MethodDefinition, Server, ServerCredentials } from "@grpc/grpc-js";

const WHO: MethodDefinition<Buffer, Buffer> = {
  path: "/test.Backend/Who",
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes) => bytes,
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

/** A gRPC server that answers its name. Whoever starts it disposes of it. */
export async function startBackend(name: string): Promise<AsyncDisposable & { readonly port: number }> {
  const server = new Server();
  server.addService(
    { who: WHO },
    { who: (_call: unknown, answer: (error: null, bytes: Buffer) => void) => answer(null, Buffer.from(name)) },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

/** Asks whoever `target` leads to for its name. */
export function askBackend(target: string): Disposable & {
  who(headers?: Readonly<Record<string, string>>): Promise<string>;
} {
  const client = new Client(target, credentials.createInsecure());
  return {
    who: (headers = {}) =>
      new Promise((resolve, reject) => {
        const metadata = new Metadata({ waitForReady: true });
        for (const [header, value] of Object.entries(headers)) metadata.set(header, value);
        const { path, requestSerialize, responseDeserialize } = WHO;
        const options = { deadline: Date.now() + 10_000 };
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          Buffer.alloc(0),
          metadata,
          options,
          (error, bytes) => (error ? reject(error) : resolve(String(bytes))),
        );
      }),
    [Symbol.dispose]: () => client.close(),
  };
}
