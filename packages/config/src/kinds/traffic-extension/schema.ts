// Fields of istio/api extensions/v1alpha1. Limits as in the CRD.
import { choice, type Infer, int32, list, message, nullable, required, struct, text } from "../../schema/message.ts";
import { policyPortSelector, policyTargetReference, workloadSelector } from "../shared/selector.ts";
import { wasmVmConfig } from "../wasm-plugin/schema.ts";

export const trafficSelector = message({
  mode: choice("UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"),
  ports: list(policyPortSelector, { unique: "number" }),
});
export type TrafficSelector = Infer<typeof trafficSelector>;

export const wasmConfig = message({
  url: required(text({ min: 1 })),
  sha256: text({ pattern: /(^$|^[a-f0-9]{64}$)/ }),
  imagePullPolicy: choice("UNSPECIFIED_POLICY", "IfNotPresent", "Always"),
  imagePullSecret: text({ min: 1, max: 253 }),
  verificationKey: text(),
  pluginConfig: struct(),
  pluginName: text({ min: 1, max: 256 }),
  failStrategy: choice("FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"),
  vmConfig: wasmVmConfig,
  type: choice("UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"),
});
export type WasmConfig = Infer<typeof wasmConfig>;

export const luaConfig = message({
  inlineCode: required(text({ min: 1, max: 65536 })),
});
export type LuaConfig = Infer<typeof luaConfig>;

export const trafficExtension = message(
  {
    selector: workloadSelector,
    targetRefs: list(policyTargetReference, { max: 16 }),
    phase: choice("UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"),
    priority: nullable(int32()),
    match: list(trafficSelector),
    wasm: wasmConfig,
    lua: luaConfig,
  },
  ["wasm", "lua"],
);
/** A WebAssembly module or a Lua script in the proxies of chosen workloads. */
export type TrafficExtension = Infer<typeof trafficExtension>;
