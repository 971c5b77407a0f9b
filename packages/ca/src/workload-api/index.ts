export type { WorkloadApiOptions } from "./answers.ts";
export { listenWorkloadApi, type WorkloadApiListener, type WorkloadApiListenOptions } from "./listen.ts";
export { type WorkloadApiService, type WorkloadApiServiceOptions, workloadApiService } from "./service.ts";
