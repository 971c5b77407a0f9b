import type { WasmConfig } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { AnyMessage } from "../../proto/types.ts";
import { defined, typed } from "../listener/typed.ts";
import { hasIstioAgent, wasmCode } from "./wasm-code.ts";

/** A WebAssembly module as a filter, or why there is none; and fields that have no effect. */
export interface WasmFilter {
  readonly config: AnyMessage | undefined;
  readonly problems: readonly (readonly [field: string, message: string])[];
}

/** What of the object that names the module is told to Istio's agent. */
export interface WasmOrigin {
  /** `namespace.name` */
  readonly name: string;
  readonly resourceVersion: string;
}

/** Istio always sends settings; those that are not there have no type. */
const NO_SETTINGS = {} as AnyMessage;

const RUNTIME = "envoy.wasm.runtime.v8";
const FAILURE = { FAIL_CLOSE: "FAIL_CLOSED", FAIL_OPEN: "FAIL_OPEN", FAIL_RELOAD: "FAIL_RELOAD" } as const;

/** Allows what none of no policies allows. */
function denyAll(isNetwork: boolean): AnyMessage {
  return isNetwork
    ? typed("envoy.extensions.filters.network.rbac.v3.RBAC", { rules: {}, statPrefix: "wasm-default-deny" })
    : typed("envoy.extensions.filters.http.rbac.v3.RBAC", { rules: {} });
}

/**
 * The filter's configuration. Source: Istio `pilot/pkg/model/extensions.go`; Envoy API
 * `envoy.extensions.wasm.v3.PluginConfig`.
 */
export function wasmFilter(read: Reader, { name, resourceVersion }: WasmOrigin, wasm: WasmConfig): WasmFilter {
  const isNetwork = wasm.type === "NETWORK";
  const agent = hasIstioAgent(read);
  const code = wasmCode(read, wasm);
  const problems = unusedFields(wasm, agent);
  if (wasm.sha256 && "source" in code && !code.checked)
    problems.push(["sha256", "Envoy does not check the code of files: it has no effect"]);
  if ("problem" in code) {
    // What must not be passed by when it fails is not passed by when it cannot run: as Istio's agent does without the code.
    const open = wasm.failStrategy === "FAIL_OPEN";
    const [field, message] = code.problem;
    const outcome = open
      ? message
      : `${message}; ${isNetwork ? "connections" : "requests"} are denied, since failStrategy is not FAIL_OPEN`;
    return { config: open ? undefined : denyAll(isNetwork), problems: [[field, outcome], ...problems] };
  }
  const settings = wasm.pluginConfig ?? {};
  const config = {
    config: defined({
      name,
      rootId: wasm.pluginName,
      configuration:
        Object.keys(settings).length > 0
          ? { "@type": "type.googleapis.com/google.protobuf.StringValue" as const, value: sortedJson(settings) }
          : agent
            ? NO_SETTINGS
            : undefined,
      failurePolicy: FAILURE[wasm.failStrategy ?? "FAIL_CLOSE"],
      vmConfig: defined({
        runtime: RUNTIME,
        code: code.source,
        environmentVariables: environment(wasm, agent ? agentVariables(wasm, resourceVersion) : {}),
      }),
    }),
  };
  return {
    config: isNetwork
      ? typed("envoy.extensions.filters.network.wasm.v3.Wasm", config)
      : typed("envoy.extensions.filters.http.wasm.v3.Wasm", config),
    problems,
  };
}

/** What tells Istio's agent when to fetch again; it takes these out before Envoy sees them. */
function agentVariables({ imagePullPolicy }: WasmConfig, resourceVersion: string): Readonly<Record<string, string>> {
  return {
    ...(imagePullPolicy && imagePullPolicy !== "UNSPECIFIED_POLICY"
      ? { ISTIO_META_WASM_IMAGE_PULL_POLICY: imagePullPolicy }
      : {}),
    ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION: resourceVersion,
  };
}

function environment({ vmConfig }: WasmConfig, more: Readonly<Record<string, string>>) {
  const variables = vmConfig?.env ?? [];
  const hostEnvKeys = variables.filter(({ valueFrom }) => valueFrom === "HOST").map((variable) => variable.name);
  const keyValues = {
    ...more,
    ...Object.fromEntries(
      variables
        .filter(({ valueFrom }) => valueFrom !== "HOST")
        .map((variable) => [variable.name, variable.value ?? ""]),
    ),
  };
  return variables.length > 0 || Object.keys(keyValues).length > 0
    ? { ...(hostEnvKeys.length > 0 ? { hostEnvKeys } : {}), keyValues }
    : undefined;
}

/** Fields for images that nobody acts on. */
function unusedFields(wasm: WasmConfig, agent: boolean): (readonly [field: string, message: string])[] {
  const fields = [
    ...(agent ? [] : (["imagePullPolicy"] as const)),
    "imagePullSecret" as const,
    "verificationKey" as const,
  ];
  const reason = agent ? "is not handed to Istio's agent" : "is for images, which stock Envoy does not fetch";
  return fields.flatMap((field) =>
    wasm[field] && wasm[field] !== "UNSPECIFIED_POLICY" ? [[field, `${reason}: it has no effect`] as const] : [],
  );
}

/** Equal settings give equal texts. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
