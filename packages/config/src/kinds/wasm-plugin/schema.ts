// Fields of istio/api extensions/v1alpha1. Limits as in the CRD.
import { choice, type Infer, int32, list, message, nullable, required, struct, text } from "../../schema/message.ts";
import { policyPortSelector, policyTargetReference, workloadSelector } from "../shared/selector.ts";

export const wasmEnvVar = message({
  name: required(text({ min: 1, max: 256 })),
  valueFrom: choice("INLINE", "HOST"),
  value: text({ max: 2048 }),
});
export type WasmEnvVar = Infer<typeof wasmEnvVar>;

export const wasmVmConfig = message({
  env: list(wasmEnvVar, { max: 256, unique: "name" }),
});
export type WasmVmConfig = Infer<typeof wasmVmConfig>;

export const wasmTrafficSelector = message({
  mode: choice("UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"),
  ports: list(policyPortSelector, { unique: "number" }),
});
export type WasmTrafficSelector = Infer<typeof wasmTrafficSelector>;

export const wasmPlugin = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference, { max: 16 }),
  url: required(text({ min: 1 })),
  sha256: text({ pattern: /(^$|^[a-f0-9]{64}$)/ }),
  imagePullPolicy: choice("UNSPECIFIED_POLICY", "IfNotPresent", "Always"),
  imagePullSecret: text({ min: 1, max: 253 }),
  verificationKey: text(),
  pluginConfig: struct(),
  pluginName: text({ min: 1, max: 256 }),
  phase: choice("UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"),
  priority: nullable(int32()),
  failStrategy: choice("FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"),
  vmConfig: wasmVmConfig,
  match: list(wasmTrafficSelector),
  type: choice("UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"),
});
/** A WebAssembly module in the proxies of chosen workloads. */
export type WasmPlugin = Infer<typeof wasmPlugin>;
