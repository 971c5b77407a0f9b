import type { EnvoyFileAccessLogProvider, ExtensionProvider, LogFilter, MeshConfig } from "@fairlead/config";
import { meshConfigOf, type Query, type Reader } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { AccessLog, AccessLogFilter } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { include, type Part, partOf } from "../route/part.ts";
import { jsonFormat, textFormat } from "./log-format.ts";
import { grpcLog, openTelemetryLog } from "./log-service.ts";
import type { ListenerClass } from "./proxy-headers.ts";
import { extensionProvider, loggingSections, modeMatches, type PlacedTelemetry, workloadMode } from "./telemetry.ts";
import { typed } from "./typed.ts";

/** What a log is written by: requests, connections, or a listener for connections that no filter chain takes. */
export type LogWriter = "http" | "tcp" | "listener";

const FILE_LOG = "envoy.access_loggers.file";
/** The cluster of the bootstrap that an access log service is reached by. */
const LOG_SERVICE_CLUSTER = "envoy_accesslog_service";

/** A listener logs only what no filter chain was found for: everything else is logged by a filter. */
const NO_FILTER_CHAIN: AccessLogFilter = { responseFlagFilter: { flags: ["NR"] } };

const logsOf: Query<readonly [ListenerClass, LogWriter], Part<AccessLog[] | undefined>> = {
  name: "access-logs",
  key: ([listenerClass, writer]) => `${listenerClass} ${writer}`,
  compute: (read, [listenerClass, writer]) => partOf(read, (build) => madeLogs(build, listenerClass, writer)),
};

/**
 * The access logs of the node, or undefined when there are none; the same list for all writers of a kind. Telemetries go before
 * the mesh configuration.
 */
export function accessLogs(build: Build, listenerClass: ListenerClass, writer: LogWriter): AccessLog[] | undefined {
  return include(build, build.read.ask(logsOf, [listenerClass, writer]));
}

function madeLogs(build: Build, listenerClass: ListenerClass, writer: LogWriter): AccessLog[] | undefined {
  const { read } = build;
  const mesh = meshConfigOf(read);
  if (writer === "listener" && mesh.disableEnvoyListenerLog) return undefined;
  const filter = writer === "listener" ? NO_FILTER_CHAIN : undefined;
  const sections = loggingSections(read);
  const found =
    sections.length === 0 && (mesh.defaultProviders?.accessLogging ?? []).length === 0
      ? meshLogs(mesh, writer, filter)
      : providerLogs(build, mesh, listenerClass, filter);
  return found.length > 0 ? shared(found) : undefined;
}

function withFilter(log: AccessLog, ...filters: readonly (AccessLogFilter | undefined)[]): AccessLog {
  const [first, ...others] = filters.filter((filter) => filter !== undefined);
  if (!first) return log;
  return { ...log, filter: others.length === 0 ? first : { andFilter: { filters: [first, ...others] } } };
}

function meshLogs(mesh: MeshConfig, writer: LogWriter, filter: AccessLogFilter | undefined): AccessLog[] {
  const logs: AccessLog[] = [];
  if (mesh.accessLogFile) logs.push(withFilter(meshFileLog(mesh.accessLogFile, mesh), filter));
  if (mesh.enableEnvoyAccessLogService) {
    const logName = writer === "listener" ? "listener_envoy_accesslog" : undefined;
    const protocol = writer === "http" ? "http" : "tcp";
    logs.push(withFilter(grpcLog(protocol, { cluster: LOG_SERVICE_CLUSTER, legacyState: true, logName }), filter));
  }
  return logs;
}

/** The file log that the mesh configuration describes, at a path. */
function meshFileLog(path: string, mesh: MeshConfig): AccessLog {
  const { accessLogEncoding, accessLogFormat } = mesh;
  const logFormat =
    accessLogEncoding === "JSON" ? jsonFormat(parseObject(accessLogFormat), false) : textFormat(accessLogFormat, false);
  return {
    name: FILE_LOG,
    typedConfig: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", { path, logFormat }),
  };
}

/** Undefined for a text that is not a JSON object: the default format takes its place, as validation reports. */
function parseObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

interface ProviderUse {
  readonly disabled: boolean;
  readonly filter: LogFilter | undefined;
  readonly from: PlacedTelemetry<unknown> | undefined;
}

/** Which providers log, by name. Source: Istio API, `Telemetry.accessLogging` (the most specific level that names providers decides). */
function providersInUse(read: Reader, mesh: MeshConfig, mode: "CLIENT" | "SERVER"): ReadonlyMap<string, ProviderUse> {
  const defaults = mesh.defaultProviders?.accessLogging ?? [];
  const levels = loggingSections(read);
  const used = new Map<string, ProviderUse>();
  if (levels.length === 0) {
    for (const name of defaults) used.set(name, { disabled: false, filter: undefined, from: undefined });
    return used;
  }
  let names: readonly string[] = defaults;
  const filters = new Map<string, LogFilter | undefined>();
  for (const level of levels) {
    const named = new Set<string>();
    for (const { spec } of level)
      if (modeMatches(spec.match, mode))
        for (const { name } of spec.providers ?? []) {
          named.add(name);
          filters.set(name, spec.filter);
        }
    if (named.size > 0) names = [...named];
  }
  let inherited: readonly string[] = defaults;
  for (const part of levels.flat()) {
    const { spec } = part;
    const stated = (spec.providers ?? []).map(({ name }) => name);
    if (stated.length > 0) inherited = stated;
    for (const name of inherited)
      if (names.includes(name) && modeMatches(spec.match, mode))
        used.set(name, { disabled: spec.disabled ?? false, filter: filters.get(name), from: part });
  }
  return used;
}

function providerLogs(
  build: Build,
  mesh: MeshConfig,
  listenerClass: ListenerClass,
  filter: AccessLogFilter | undefined,
): AccessLog[] {
  const used = providersInUse(build.read, mesh, workloadMode(listenerClass));
  return [...used]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([name, use]) => {
      if (use.from) build.uses(use.from.source);
      if (use.disabled) return [];
      const provider = extensionProvider(build.read, name);
      if (!provider) {
        if (use.from)
          build.report({
            code: "provider-missing",
            severity: "warning",
            object: use.from.source,
            path: `${use.from.path}.providers`,
            message: `names extension provider ${name}, which the mesh configuration does not have`,
          });
        return [];
      }
      const log = providerLog(build, provider, mesh, use.from);
      if (!log) return [];
      const made = withFilter(log, filter, use.filter?.expression ? celFilter(use.filter.expression) : undefined);
      return [use.from ? build.from(made, use.from.source, use.from.path) : made];
    });
}

function celFilter(expression: string): AccessLogFilter {
  return {
    extensionFilter: {
      name: "envoy.access_loggers.extension_filters.cel",
      typedConfig: typed("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", { expression }),
    },
  };
}

function providerLog(
  build: Build,
  provider: ExtensionProvider,
  mesh: MeshConfig,
  from: PlacedTelemetry<unknown> | undefined,
): AccessLog | undefined {
  const { envoyFileAccessLog, envoyHttpAls, envoyTcpAls, envoyOtelAls } = provider;
  if (envoyFileAccessLog)
    return provider.name === "envoy" && !envoyFileAccessLog.logFormat && !envoyFileAccessLog.omitEmptyValues
      ? meshFileLog(envoyFileAccessLog.path ?? "/dev/stdout", mesh)
      : fileLog(envoyFileAccessLog);
  const report = (problem: string) =>
    build.report({
      code: "provider-invalid",
      severity: "warning",
      path: from ? `${from.path}.providers` : "",
      message: `extension provider ${provider.name} ${problem}`,
      ...(from ? { object: from.source } : {}),
    });
  if (envoyHttpAls) return grpcLog("http", { provider: envoyHttpAls, read: build.read, report });
  if (envoyTcpAls) return grpcLog("tcp", { provider: envoyTcpAls, read: build.read, report });
  if (envoyOtelAls) return openTelemetryLog(build.read, envoyOtelAls, report);
  report("does not write access logs");
  return undefined;
}

function fileLog({ path, logFormat, omitEmptyValues }: EnvoyFileAccessLogProvider): AccessLog {
  const omit = omitEmptyValues ?? false;
  return {
    name: FILE_LOG,
    typedConfig: typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {
      path: path || "/dev/stdout",
      logFormat: logFormat?.labels ? jsonFormat(logFormat.labels, omit) : textFormat(logFormat?.text, omit),
    }),
  };
}
