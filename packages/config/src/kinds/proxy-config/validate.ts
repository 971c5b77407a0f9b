import type { ObjectOf } from "../../kinds.ts";
import { checkSelector } from "../../validation/attachment.ts";
import type { Report } from "../../validation/report.ts";
import type { ProxyConfig } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. The range of `concurrency` is in the schema. */
export function validateProxyConfig({ spec }: ObjectOf<ProxyConfig>, report: Report): void {
  checkSelector(spec.selector, report.at("selector"));
}
