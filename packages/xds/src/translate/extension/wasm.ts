import type { WasmConfig } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { AnyMessage } from "../../proto/types.ts";
import { providerCluster } from "../listener/provider-cluster.ts";
import { defined, typed } from "../listener/typed.ts";

/** A WebAssembly module as an HTTP filter, or why there is none; and fields that have no effect. */
export interface WasmFilter {
  readonly config: AnyMessage | undefined;
  readonly problems: readonly (readonly [field: string, message: string])[];
}

const RUNTIME = "envoy.wasm.runtime.v8";
const FAILURE = { FAIL_CLOSE: "FAIL_CLOSED", FAIL_OPEN: "FAIL_OPEN", FAIL_RELOAD: "FAIL_RELOAD" } as const;

/** Allows what none of no policies allows. */
const DENY_ALL: AnyMessage = typed("envoy.extensions.filters.http.rbac.v3.RBAC", { rules: {} });

/** Fields that tell Istio's agent how to fetch an image. */
const IMAGE_FIELDS = ["imagePullPolicy", "imagePullSecret", "verificationKey"] as const;

/**
 * The filter's configuration. Envoy itself gets the code: from a file of the proxy's disk (`file://`), or over HTTP from a
 * service of the mesh. Images (`oci://`) are what Istio's agent unpacks; stock Envoy cannot.
 *
 * Source: Istio `pilot/pkg/model/extensions.go`; Envoy API `envoy.extensions.wasm.v3.PluginConfig`.
 */
export function wasmFilter(read: Reader, name: string, wasm: WasmConfig): WasmFilter {
  const code = codeOf(read, wasm);
  const problems: (readonly [string, string])[] = IMAGE_FIELDS.flatMap((field) =>
    wasm[field] && wasm[field] !== "UNSPECIFIED_POLICY"
      ? [[field, "is for images, which stock Envoy does not fetch: it has no effect"] as const]
      : [],
  );
  if (wasm.sha256 && "source" in code && !code.checked)
    problems.push(["sha256", "Envoy does not check the code of files: it has no effect"]);
  if (wasm.type === "NETWORK")
    return { config: undefined, problems: [["type", "network filters are not distributed: it does not run"]] };
  if ("problem" in code) {
    // What must not be passed by when it fails is not passed by when it cannot run: as Istio's agent does without the code.
    const open = wasm.failStrategy === "FAIL_OPEN";
    const [field, message] = code.problem;
    const outcome = open ? message : `${message}; requests are denied, since failStrategy is not FAIL_OPEN`;
    return { config: open ? undefined : DENY_ALL, problems: [[field, outcome], ...problems] };
  }
  const variables = wasm.vmConfig?.env ?? [];
  const hostEnvKeys = variables.filter(({ valueFrom }) => valueFrom === "HOST").map((variable) => variable.name);
  const keyValues = Object.fromEntries(
    variables.filter(({ valueFrom }) => valueFrom !== "HOST").map((variable) => [variable.name, variable.value ?? ""]),
  );
  const settings = wasm.pluginConfig ?? {};
  const config = typed("envoy.extensions.filters.http.wasm.v3.Wasm", {
    config: defined({
      name,
      rootId: wasm.pluginName,
      configuration:
        Object.keys(settings).length > 0
          ? { "@type": "type.googleapis.com/google.protobuf.StringValue", value: sortedJson(settings) }
          : undefined,
      failurePolicy: FAILURE[wasm.failStrategy ?? "FAIL_CLOSE"],
      vmConfig: defined({
        runtime: RUNTIME,
        code: code.source,
        environmentVariables: variables.length > 0 ? { hostEnvKeys, keyValues } : undefined,
      }),
    }),
  });
  return { config, problems };
}

type Code =
  | { readonly source: object; readonly checked: boolean }
  | { readonly problem: readonly [field: string, message: string] };

function codeOf(read: Reader, { url, sha256 }: WasmConfig): Code {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "oci";
  if (scheme === "file") return { source: { local: { filename: url.slice("file://".length) } }, checked: false };
  if (scheme !== "http" && scheme !== "https")
    return { problem: ["url", `stock Envoy gets code from file:// or http(s)://, not ${scheme}://: it does not run`] };
  if (!sha256)
    return { problem: ["sha256", "Envoy fetches code only when it knows its checksum: without it, it does not run"] };
  const parsed = URL.parse(url);
  const host = parsed?.hostname ?? "";
  const port = Number(parsed?.port) || (scheme === "https" ? 443 : 80);
  const found = providerCluster(read, host, port);
  if (found.problem !== undefined)
    return { problem: ["url", `${found.problem}: Envoy reaches no other hosts, and it does not run`] };
  const httpUri = { uri: url, cluster: found.cluster, timeout: "30s" };
  return { source: { remote: { httpUri, sha256 } }, checked: true };
}

/** Equal settings give equal texts. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
