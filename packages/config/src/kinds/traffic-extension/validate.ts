import type { ObjectOf } from "../../kinds.ts";
import { checkAttachment } from "../../validation/attachment.ts";
import { byteLength } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkWasm } from "../wasm-plugin/validate.ts";
import type { TrafficExtension } from "./schema.ts";

const MAX_SCRIPT_BYTES = 64 * 1024;

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateTrafficExtension({ spec }: ObjectOf<TrafficExtension>, report: Report): void {
  const { wasm, lua } = spec;
  checkAttachment(spec, report);
  if (!wasm && !lua) report.error("required", "one of wasm, lua is required");
  if (wasm) checkWasm(wasm, report.at("wasm"));
  if (lua && byteLength(lua.inlineCode) > MAX_SCRIPT_BYTES)
    report.at("lua", "inlineCode").error("too-large", "must be at most 64 KiB");
}
