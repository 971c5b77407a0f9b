import { fqdnFault } from "../../common/names.ts";
import { isIpAddress } from "../../common/network.ts";
import type { Report } from "../../validation/report.ts";
import { checkScopedHost } from "../../validation/scoped-host.ts";
import type { ExtensionProvider } from "./extension-provider.ts";

/**
 * Providers by name. What is wrong with one is a warning: istiod runs all the same, and only who uses the provider is
 * hurt. Source: Istio `pkg/config/validation/agent`.
 */
export function checkExtensionProviders(providers: readonly ExtensionProvider[], report: Report): void {
  const names = new Set<string>();
  for (const [index, provider] of providers.entries()) {
    const at = warningsOnly(report.at(index));
    const { name = "", ...kinds } = provider;
    if (name === "") at.at("name").error("required", "must not be empty");
    else if (names.has(name)) at.at("name").error("duplicate", `${JSON.stringify(name)} is already there`);
    names.add(name);
    const [kind, settings] = Object.entries(kinds).find(([, value]) => value !== undefined) ?? [];
    if (kind === undefined || settings === undefined) at.error("required", "one kind of provider is required");
    else if (!WITHOUT_SERVICE.has(kind)) checkService(settings as Settings, at.at(kind));
  }
}

const WITHOUT_SERVICE: ReadonlySet<string> = new Set(["prometheus", "stackdriver", "envoyFileAccessLog", "sds"]);

interface Settings {
  readonly service?: string;
  readonly port?: number;
  readonly statusOnError?: string;
  readonly pathPrefix?: string;
}

function checkService({ service = "", port = 0, statusOnError, pathPrefix }: Settings, report: Report): void {
  const at = report.at("service");
  if (service === "") at.error("required", "is required");
  else if (service.includes("/")) checkScopedHost(service, "sidecar", at);
  else if (fqdnFault(service) !== undefined && !isIpAddress(service))
    at.error("invalid-host", `${JSON.stringify(service)} is neither a host name nor an IP address`);
  if (port < 1 || port > 65535) report.at("port").error("invalid-port", `port ${port} is not in the range 1 to 65535`);
  if (statusOnError && !/^[1-5]\d\d$/.test(statusOnError))
    report.at("statusOnError").error("unknown-value", `${JSON.stringify(statusOnError)} is not an HTTP status`);
  if (pathPrefix && !pathPrefix.startsWith("/")) report.at("pathPrefix").error("invalid-value", "must begin with /");
}

function warningsOnly(report: Report): Report {
  return {
    error: (code, message) => report.warning(code, message),
    warning: (code, message) => report.warning(code, message),
    at: (...path) => warningsOnly(report.at(...path)),
  };
}
