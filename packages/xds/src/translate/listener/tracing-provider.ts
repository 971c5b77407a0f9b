import type {
  DynatraceSampler,
  ExtensionProvider,
  OpenTelemetryTracingProvider,
  ProviderHttpHeader,
  ProviderHttpService,
  ZipkinTracingProvider,
} from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type {
  AnyMessage,
  HeaderValueOption,
  HttpConnectionManager_Tracing,
  HttpService,
  TypedExtensionConfig,
} from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { durationOf } from "./node-settings.ts";
import { hasClusterOf, providerCluster } from "./provider-cluster.ts";
import type { PlacedTelemetry } from "./telemetry.ts";
import { defined, typed } from "./typed.ts";

export interface Tracer {
  readonly tracing: HttpConnectionManager_Tracing;
  /** The provider decides by itself which spans it keeps: all are sent there. */
  readonly ownSampler: boolean;
}

interface Target {
  readonly read: Reader;
  readonly cluster: string;
  readonly hostname: string;
  report(problem: string, code?: string): void;
}

/** The settings that send spans to a provider; undefined (and reported) when it cannot take them. */
export function tracer(
  build: Build,
  provider: ExtensionProvider,
  gateway: boolean,
  from: PlacedTelemetry<unknown> | undefined,
): Tracer | undefined {
  const { read } = build;
  const report = (problem: string, code = "provider-invalid") =>
    build.report({
      code,
      severity: "warning",
      path: from ? `${from.path}.providers` : "",
      message: `extension provider ${provider.name} ${problem}`,
      ...(from ? { object: from.source } : {}),
    });
  const chosen = provider.zipkin ?? provider.datadog ?? provider.skywalking ?? provider.opentelemetry;
  if (!chosen) {
    report("does not take spans");
    return undefined;
  }
  const found = providerCluster(read, chosen.service, chosen.port);
  if (found.problem !== undefined) {
    report(found.problem);
    return undefined;
  }
  const target: Target = { read, report, ...found };
  const { zipkin, datadog, skywalking, opentelemetry } = provider;
  // Envoy refuses the whole listener when one of these two names a cluster that is not there.
  if ((zipkin || datadog) && !hasClusterOf(read, { hostname: found.hostname, port: chosen.port ?? 0 })) {
    report(`names ${found.hostname}:${chosen.port ?? 0}, which the proxy does not see: no spans are sent`);
    return undefined;
  }
  if (zipkin) return made("envoy.tracers.zipkin", zipkinConfig(target, zipkin), gateway, zipkin.maxTagLength);
  if (datadog) {
    const config = typed("envoy.config.trace.v3.DatadogConfig", {
      collectorCluster: target.cluster,
      collectorHostname: target.hostname,
      serviceName: producer(read),
    });
    return made("envoy.tracers.datadog", config, gateway, datadog.maxTagLength);
  }
  if (skywalking) {
    const config = typed("envoy.config.trace.v3.SkyWalkingConfig", {
      grpcService: { envoyGrpc: { clusterName: target.cluster, authority: target.hostname } },
      ...(skywalking.accessToken ? { clientConfig: { backendToken: skywalking.accessToken } } : {}),
    });
    return made("envoy.tracers.skywalking", config, true, undefined);
  }
  return opentelemetry && openTelemetry(target, opentelemetry, gateway);
}

function made(name: string, typedConfig: AnyMessage, childSpan: boolean, maxTagLength: number | undefined): Tracer {
  return {
    ownSampler: false,
    tracing: defined<HttpConnectionManager_Tracing>({
      spawnUpstreamSpan: childSpan || undefined,
      maxPathTagLength: maxTagLength || undefined,
      provider: { name, typedConfig },
    }),
  };
}

/** Who makes the span: the proxy's workload. */
function producer(read: Reader): string {
  return read.fact(
    "service cluster",
    (node) => `${node.labels.app || node.workloadName || "istio-proxy"}.${node.namespace}`,
  );
}

function headers(target: Pick<Target, "report">, list: readonly ProviderHttpHeader[] | undefined) {
  return (list ?? []).flatMap(({ name = "", value, envName }) => {
    if (envName)
      target.report(`takes header ${name} from the environment, which is not read; give a value`, "unsupported-field");
    return envName ? [] : [{ key: name, value: value ?? "" }];
  });
}

function addedHeaders(
  target: Pick<Target, "report">,
  list: readonly ProviderHttpHeader[] | undefined,
): HeaderValueOption[] | undefined {
  const found = headers(target, list);
  return found.length > 0
    ? found.map((header) => ({ header, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const }))
    : undefined;
}

function zipkinConfig(target: Target, provider: ZipkinTracingProvider): AnyMessage {
  return typed(
    "envoy.config.trace.v3.ZipkinConfig",
    defined({
      collectorEndpointVersion: "HTTP_JSON" as const,
      // The default is ids of 128 bits; the option asks for the older, shorter ones.
      traceId128bit: !provider.enable64bitTraceId || undefined,
      sharedSpanContext: false,
      collectorService: defined({
        httpUri: {
          uri: `http://${target.hostname}${provider.path || "/api/v2/spans"}`,
          cluster: target.cluster,
          timeout: durationOf(provider.timeout) ?? "5s",
        },
        requestHeadersToAdd: addedHeaders(target, provider.headers),
      }),
      traceContextOption:
        provider.traceContextOption === "USE_B3_WITH_W3C_PROPAGATION"
          ? ("USE_B3_WITH_W3C_PROPAGATION" as const)
          : undefined,
    }),
  );
}

function join(hostname: string, path: string): string {
  const rest = path.replace(/^\/+/, "");
  return rest ? `${hostname}/${rest}` : hostname;
}

function openTelemetry(target: Target, provider: OpenTelemetryTracingProvider, gateway: boolean): Tracer {
  const { http, grpc, resourceDetectors, dynatraceSampler, serviceAttributeEnrichment } = provider;
  const sampler = dynatraceSampler && dynatrace(target, dynatraceSampler, http);
  const conventions = serviceAttributeEnrichment === "OTEL_SEMANTIC_CONVENTIONS";
  const metadata = headers(target, grpc?.initialMetadata);
  const detectors: TypedExtensionConfig[] = [];
  if (resourceDetectors?.environment || conventions) detectors.push(detector("environment"));
  if (resourceDetectors?.dynatrace) detectors.push(detector("dynatrace"));
  const config = typed(
    "envoy.config.trace.v3.OpenTelemetryConfig",
    defined({
      serviceName: conventions ? conventionalName(target.read) : producer(target.read),
      httpService: http ? httpService(target, http, join(target.hostname, http.path ?? "")) : undefined,
      grpcService: http
        ? undefined
        : defined({
            envoyGrpc: { clusterName: target.cluster, authority: target.hostname },
            timeout: durationOf(grpc?.timeout),
            initialMetadata: metadata.length > 0 ? metadata : undefined,
          }),
      resourceDetectors: detectors.length > 0 ? detectors : undefined,
      sampler,
    }),
  );
  return {
    ...made("envoy.tracers.opentelemetry", config, gateway, provider.maxTagLength),
    ownSampler: Boolean(sampler),
  };
}

type Endpoint = Pick<Target, "cluster" | "hostname" | "report">;

/** Source: Istio API, `ExtensionProvider.HttpService`, which has 3s where Envoy demands a time. */
function httpService(target: Endpoint, { timeout, headers: list }: ProviderHttpService, uri: string): HttpService {
  return defined<HttpService>({
    httpUri: { uri, cluster: target.cluster, timeout: durationOf(timeout) ?? "3s" },
    requestHeadersToAdd: addedHeaders(target, list),
  });
}

/** Where the sampler asks, when it goes by the exporter's host. Source: Istio `configureDynatraceSampler`. */
const DYNATRACE_PATH = "api/v2/samplingConfiguration";

/** A sampler that follows what Dynatrace says; undefined (and reported) when nothing tells where to ask. */
function dynatrace(
  target: Target,
  { tenant, clusterId, rootSpansPerMinute, httpService: api }: DynatraceSampler,
  exporter: ProviderHttpService | undefined,
): TypedExtensionConfig | undefined {
  const found = api ? providerCluster(target.read, api.service, api.port) : target;
  const http = api ? api.http : exporter;
  if ("problem" in found && found.problem !== undefined) {
    target.report(`has a dynatraceSampler that ${found.problem}`);
    return undefined;
  }
  if (!http) {
    target.report("has a dynatraceSampler without an httpService, and does not export by HTTP either");
    return undefined;
  }
  const endpoint = { ...found, report: target.report };
  const uri = join(endpoint.hostname, api ? (http.path ?? "") : DYNATRACE_PATH);
  return {
    name: "envoy.tracers.opentelemetry.samplers.dynatrace",
    typedConfig: typed(
      "envoy.extensions.tracers.opentelemetry.samplers.v3.DynatraceSamplerConfig",
      defined({
        tenant: tenant || undefined,
        clusterId: clusterId || undefined,
        httpService: httpService(endpoint, http, uri),
        rootSpansPerMinute: rootSpansPerMinute || undefined,
      }),
    ),
  };
}

function detector(kind: "environment" | "dynatrace"): TypedExtensionConfig {
  const config = kind === "environment" ? "EnvironmentResourceDetectorConfig" : "DynatraceResourceDetectorConfig";
  return {
    name: `envoy.tracers.opentelemetry.resource_detectors.${kind}`,
    typedConfig: typed(`envoy.extensions.tracers.opentelemetry.resource_detectors.v3.${config}`, {}),
  };
}

/** `service.name` by OpenTelemetry's conventions for Kubernetes. */
function conventionalName(read: Reader): string {
  return read.fact("opentelemetry service name", (node) => {
    const annotations = (node.metadata.ANNOTATIONS ?? {}) as Readonly<Record<string, unknown>>;
    const annotated = annotations["resource.opentelemetry.io/service.name"];
    return (
      (typeof annotated === "string" && annotated) ||
      node.labels["app.kubernetes.io/instance"] ||
      node.labels["app.kubernetes.io/name"] ||
      node.workloadName ||
      node.name.split(".")[0] ||
      "unknown_service"
    );
  });
}
