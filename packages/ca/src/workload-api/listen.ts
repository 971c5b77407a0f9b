import { rm } from "node:fs/promises";
import { type GrpcServer, listenGrpc } from "@fairlead/grpc";
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
  let server: GrpcServer | undefined;
  const bind = async (address: string) => {
    server = await listenGrpc({ address, methods: service.methods });
  };
  const stop = async () => {
    service.close();
    await server?.close(GRACE_MS);
  };
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
