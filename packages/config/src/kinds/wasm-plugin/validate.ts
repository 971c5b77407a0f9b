import { parseUrl } from "../../common/url.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkAttachment } from "../../validation/attachment.ts";
import type { Report } from "../../validation/report.ts";
import type { WasmPlugin, WasmVmConfig } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateWasmPlugin({ spec }: ObjectOf<WasmPlugin>, report: Report): void {
  checkAttachment(spec, report);
  checkWasm(spec, report);
}

const SCHEMES: ReadonlySet<string> = new Set(["", "file", "http", "https", "oci"]);

/** What a WasmPlugin and the Wasm part of a TrafficExtension have in common. */
export function checkWasm(
  { url, vmConfig }: { readonly url: string; readonly vmConfig?: WasmVmConfig },
  report: Report,
): void {
  const written = parseUrl(url);
  // Without a scheme it is the name of an image, `registry/name:tag`.
  const parsed = "fault" in written || written.scheme !== "" ? written : { ...parseUrl(`oci://${url}`), scheme: "" };
  if ("fault" in parsed) report.at("url").error("invalid-url", parsed.fault);
  else if (!SCHEMES.has(parsed.scheme))
    report.at("url").error("invalid-url", `the scheme must be one of oci, http, https, file, found ${parsed.scheme}`);
  for (const [index, { name, valueFrom, value }] of (vmConfig?.env ?? []).entries()) {
    const at = report.at("vmConfig", "env", index);
    if (name === "") at.at("name").error("required", "must not be empty");
    if (valueFrom === "HOST" && value !== undefined)
      at.at("value").error("conflicting-fields", "must not be set when the value is taken from the host");
  }
}
