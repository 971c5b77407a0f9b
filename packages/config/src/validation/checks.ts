import { isHttp, isTls, type Protocol, parseProtocol } from "@fairlead/model";
import { parseDuration } from "../common/duration.ts";
import { isDnsLabel, labelKeyFault, labelValueFault } from "../common/names.ts";
import { isCidr, isIpAddress, splitHostPort } from "../common/network.ts";
import { regexFault } from "../common/regex.ts";
import type { Report } from "./report.ts";

/** Checks that several kinds share. Each reports at the place the report stands at. */

/** Reports `fault`, when there is one. */
export function check(report: Report, code: string, fault: string | undefined): void {
  if (fault !== undefined) report.error(code, fault);
}

export function checkPort(port: number, report: Report): void {
  if (port < 1 || port > 65535) report.error("invalid-port", `port ${port} is not in the range 1 to 65535`);
}

/** At least 1 ms, in whole milliseconds. */
export function checkDuration(text: string | undefined, report: Report): void {
  if (text === undefined) return;
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds < 1) report.error("invalid-duration", "must be at least 1ms");
  else if (Math.round(milliseconds * 1e6) % 1e6 !== 0)
    report.error("invalid-duration", "durations are exact to milliseconds only");
}

export function checkIp(text: string, report: Report): void {
  if (!isIpAddress(text)) report.error("invalid-ip", `${JSON.stringify(text)} is not an IP address`);
}

/** An IP address or a CIDR range. */
export function checkSubnet(text: string, report: Report): void {
  if (!(text.includes("/") ? isCidr(text) : isIpAddress(text)))
    report.error("invalid-ip", `${JSON.stringify(text)} is not an IP address or a CIDR range`);
}

export function checkLabels(labels: Readonly<Record<string, string>> | undefined, report: Report): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    check(report.at(key), "invalid-label", labelKeyFault(key));
    check(report.at(key), "invalid-label", labelValueFault(value));
  }
}

/** An RE2 expression of at most 1024 bytes: what the proxies are set up to take. */
export function checkRegex(pattern: string, report: Report): void {
  if (pattern === "") report.error("invalid-regex", "a regular expression must not be empty");
  else if (byteLength(pattern) > 1024)
    report.error("invalid-regex", "the regular expression is longer than 1024 bytes");
  else check(report, "invalid-regex", regexFault(pattern));
}

/** Bytes in UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A path, or `@name` for an abstract socket (the part after `unix://`). */
export function checkUnixPath(path: string, report: Report): void {
  if (path === "") report.error("invalid-address", "the path of a Unix socket must not be empty");
  else if (!path.startsWith("@") && (!path.startsWith("/") || path.endsWith("/")))
    report.error("invalid-address", `${JSON.stringify(path)} is not an absolute path to a file`);
}

export const UNIX_PREFIX = "unix://";

/** The protocol a port declares in configuration; `Unspecified` for an unknown one. */
export function portProtocol(name: string | undefined): Protocol {
  const protocol = parseProtocol(name ?? "");
  // The tunnel's own protocol cannot be declared by users.
  return protocol === "HBONE" || protocol === "DoubleHBONE" ? "Unspecified" : protocol;
}

export { isHttp, isTls };

/** An unknown protocol is an error, none at all is not (it is detected). */
export function checkProtocol(name: string | undefined, report: Report): void {
  if (name && portProtocol(name) === "Unspecified")
    report.error("unknown-protocol", `${JSON.stringify(name)} is not a known protocol`);
}

export function checkPortName(name: string, report: Report): void {
  if (!isDnsLabel(name)) report.error("invalid-name", `${JSON.stringify(name)} is not a valid port name (a DNS label)`);
}

/** `host:port` with a host name or an IP address. */
export function hostPortFault(address: string, hostFault: (host: string) => string | undefined): string | undefined {
  const split = splitHostPort(address);
  if ("fault" in split) return split.fault;
  if (!/^[-+]?\d+$/.test(split.port)) return `port ${JSON.stringify(split.port)} is not a number`;
  const port = Number(split.port);
  if (port < 1 || port > 65535) return `port ${port} is not in the range 1 to 65535`;
  return hostFault(split.host) !== undefined && !isIpAddress(split.host)
    ? `${JSON.stringify(split.host)} is neither a host name nor an IP address`
    : undefined;
}

/** Reports each later one of equal values. */
export function checkUnique<T>(
  items: readonly T[] | undefined,
  key: (item: T) => unknown,
  what: string,
  report: Report,
) {
  const seen = new Set<unknown>();
  for (const [index, item] of (items ?? []).entries()) {
    const value = key(item);
    if (seen.has(value)) report.at(index).error("duplicate", `${what} ${JSON.stringify(value)} is already there`);
    seen.add(value);
  }
}

/** Reports when more than one of the fields is there. */
export function checkAtMostOne(spec: object, fields: readonly string[], report: Report): void {
  const set = fields.filter((field) => (spec as Readonly<Record<string, unknown>>)[field] !== undefined);
  if (set.length > 1)
    report.error("conflicting-fields", `only one of ${fields.join(", ")} may be set, found ${set.join(" and ")}`);
}
