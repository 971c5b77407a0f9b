import { checkIp, checkPort, checkUnixPath, UNIX_PREFIX } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { checkScopedHost } from "../../validation/scoped-host.ts";
import type { EgressListener } from "./schema.ts";
import { checkSidecarPort } from "./validate.ts";

export function checkEgress(listeners: readonly EgressListener[], namespace: string, report: Report): void {
  const ports = new Set<number>();
  const sockets = new Set<string>();
  for (const [index, { port, bind = "", captureMode = "DEFAULT", hosts }] of listeners.entries()) {
    const at = report.at(index);
    if (port === undefined) {
      if (index !== listeners.length - 1)
        at.error("conflicting-values", "only the last egress listener may be without port: it takes all that is left");
    } else {
      checkSidecarPort(port, at.at("port"));
      const { number = 0 } = port;
      const taken: Set<unknown> = number === 0 ? sockets : ports;
      const key = number === 0 ? bind : number;
      if (taken.has(key)) at.error("duplicate", `${JSON.stringify(key)} is already there`);
      taken.add(key);
      if (number === 0) checkSocket(bind, captureMode, at);
      else {
        checkPort(number, at.at("port", "number"));
        if (bind) checkIp(bind, at.at("bind"));
      }
    }
    if (hosts.length === 0) at.at("hosts").error("required", "at least one host is required");
    checkEgressHosts(hosts, namespace, at.at("hosts"));
  }
}

function checkSocket(bind: string, captureMode: string, report: Report): void {
  if (!bind.startsWith(UNIX_PREFIX)) report.at("bind").error("required", "port 0 needs a Unix socket to bind to");
  else checkUnixPath(bind.slice(UNIX_PREFIX.length), report.at("bind"));
  if (captureMode !== "DEFAULT" && captureMode !== "NONE")
    report.at("captureMode").error("conflicting-values", "must be DEFAULT or NONE for a Unix socket");
}

function checkEgressHosts(hosts: readonly string[], own: string, report: Report): void {
  const byNamespace = new Map<string, Set<string>>();
  for (const [index, text] of hosts.entries()) {
    checkScopedHost(text, "sidecar", report.at(index));
    const slash = text.indexOf("/");
    if (slash < 0 || text.startsWith("~")) continue;
    const namespace = text.slice(0, slash) === "." ? own : text.slice(0, slash);
    const host = text.slice(slash + 1);
    const others = byNamespace.get(namespace) ?? new Set();
    if (host === "*" ? others.size > 0 : others.has(host) || others.has("*"))
      report.at(index).warning("duplicate", `${text} is covered by, or covers, another host`);
    byNamespace.set(namespace, others.add(host));
  }
  if (byNamespace.get("*")?.has("*") && byNamespace.size > 1)
    report.warning("ineffective", "*/* selects everything, the other hosts are superfluous");
}
