import { rm } from "node:fs/promises";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { bindPrivately } from "../agent/unix-socket.ts";
import { type WorkloadApiServiceOptions, workloadApiService } from "./service.ts";

export interface WorkloadApiListenOptions extends WorkloadApiServiceOptions {
  /** `unix:/PATH`; clients are given `unix:///PATH` (`SPIFFE_ENDPOINT_SOCKET`). */
  readonly address: string;
  /** Mode of the socket. Default 0600: who may open it is this workload. */
  readonly mode?: number;
}

export interface WorkloadApiListener {
  readonly address: string;
  /** Ends all streams and removes the socket; the agent stays the caller's. */
  close(): Promise<void>;
}

/** How long clients have to take note that it ends. */
const GRACE_MS = 1000;

/** Serves the SPIFFE Workload API of one workload on a Unix socket. Throws OPTION_INVALID or STORE_FAILED. */
export async function listenWorkloadApi(options: WorkloadApiListenOptions): Promise<WorkloadApiListener> {
  const service = workloadApiService(options);
  const server = new Server();
  server.addService(service.definition, service.implementation);
  const bind = (address: string) =>
    new Promise<void>((resolve, reject) =>
      server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
    );
  const stop = () =>
    new Promise<void>((resolve) => {
      service.close();
      const timer = setTimeout(() => server.forceShutdown(), GRACE_MS);
      server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  const path = await bindPrivately(options.address, bind, options.mode).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  let closed = false;
  return {
    address: options.address,
    async close() {
      if (closed) return;
      closed = true;
      await rm(path, { force: true });
      await stop();
    },
  };
}
