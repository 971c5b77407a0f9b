import type { WasmConfig } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import { providerCluster } from "../listener/provider-cluster.ts";

/** Where Envoy gets a module from (`AsyncDataSource`), or why it cannot. `checked`: against its checksum. */
export type WasmCode =
  | { readonly source: object; readonly checked: boolean }
  | { readonly problem: readonly [field: string, message: string] };

/**
 * The proxy has Istio's agent beside it, which fetches modules (images too) itself and gives Envoy files instead. It says
 * its version; programs that start Envoy another way do not.
 */
export function hasIstioAgent(read: Reader): boolean {
  return read.fact("Istio's agent", ({ metadata }) => typeof metadata.ISTIO_VERSION === "string");
}

/** A scheme that is not stated is an image's. */
function schemeOf(url: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "oci";
}

/**
 * Code of the proxy's disk (`file://`), or over HTTP from a service of the mesh. Images (`oci://`) are what Istio's agent
 * unpacks; stock Envoy cannot. Source: Istio `model.buildDataSource`.
 */
export function wasmCode(read: Reader, { url, sha256 }: WasmConfig): WasmCode {
  const scheme = schemeOf(url);
  if (scheme === "file") return { source: { local: { filename: url.slice("file://".length) } }, checked: false };
  if (hasIstioAgent(read)) {
    const uri = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `oci://${url}`;
    // The agent fetches it and needs no cluster.
    const httpUri = { uri, cluster: "_", timeout: "30s" };
    return { source: { remote: { httpUri, ...(sha256 ? { sha256 } : {}) } }, checked: true };
  }
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
