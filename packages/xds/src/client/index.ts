export { createDiscoveryClient, type DiscoveryClient, type DiscoveryClientOptions } from "./discovery-client.ts";
export type { ReceivedResource, Update } from "./update.ts";
