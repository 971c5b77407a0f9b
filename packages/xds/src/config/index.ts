export { configTypeUrl } from "./envelope.ts";
export { asksForConfig, type ConfigSource, createConfigSource } from "./source.ts";
export { type XdsConfigOptions, type XdsConfigStore, xdsConfigStore } from "./store.ts";
