export { type Agent, type AgentEvent, type AgentOptions, createAgent, SECRET_NAMES } from "./agent.ts";
export { type CaClient, inProcessClient, type SigningRequest, type SigningResponse } from "./ca-client.ts";
export { DEFAULT_ROTATION, type RotationPolicy } from "./rotation.ts";
export type { SdsListener } from "./sds.ts";
