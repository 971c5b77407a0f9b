import type { ExtensionProvider, MeshProxyConfig, TelemetryTracing } from "@fairlead/config";
import { meshConfigOf, type Query } from "@fairlead/mesh";
import type { HttpConnectionManager_Tracing } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { include, type Part, partOf } from "../route/part.ts";
import { isGateway, proxySettingsOf } from "./node-settings.ts";
import type { ListenerClass } from "./proxy-headers.ts";
import { extensionProvider, modeMatches, type PlacedTelemetry, tracingSections, workloadMode } from "./telemetry.ts";
import { tracer } from "./tracing-provider.ts";
import { tracingTags } from "./tracing-tags.ts";
import { defined } from "./typed.ts";

/** Percent of requests that are traced where nothing says. Source: Istio, `PILOT_TRACE_SAMPLING`. */
const DEFAULT_SAMPLING = 1;

export interface EffectiveTracing {
  readonly tracing: HttpConnectionManager_Tracing | undefined;
  /** Whether the decision to sample is read from the request id. */
  readonly sampleByRequestId: boolean;
}

interface TracingSpec {
  readonly provider: ExtensionProvider | undefined;
  readonly spec: Omit<TelemetryTracing, "match" | "providers">;
  readonly from: readonly PlacedTelemetry<TelemetryTracing>[];
  /** Which of these named the provider; absent: the mesh's default. */
  readonly namedIn: PlacedTelemetry<TelemetryTracing> | undefined;
}

const tracingOf: Query<ListenerClass, Part<EffectiveTracing>> = {
  name: "tracing",
  key: (listenerClass) => listenerClass,
  compute: (read, listenerClass) => partOf(read, (build) => madeTracing(build, listenerClass)),
};

/**
 * Tracing of one HTTP connection manager, the same object for all of a class: a gateway has thousands. Telemetries go before the
 * mesh configuration.
 */
export function effectiveTracing(build: Build, listenerClass: ListenerClass): EffectiveTracing {
  return include(build, build.read.ask(tracingOf, listenerClass));
}

function madeTracing(build: Build, listenerClass: ListenerClass): EffectiveTracing {
  const { read } = build;
  const proxyTracing = proxySettingsOf(read).tracing;
  const chosen = telemetryTracing(build, listenerClass);
  if (!chosen) {
    if (meshConfigOf(read).enableTracing === false) return { tracing: undefined, sampleByRequestId: true };
    const tags = tracingTags(read, proxyTracing?.enableIstioTags ?? true, proxyTracing?.customTags ?? {});
    return { tracing: settings(proxyTracing, proxySampling(proxyTracing), tags, {}), sampleByRequestId: true };
  }
  const { provider, spec, from, namedIn } = chosen;
  const made = provider && !spec.disableSpanReporting ? tracer(build, provider, isGateway(read), namedIn) : undefined;
  for (const { source } of from) build.uses(source);
  if (!made) return { tracing: undefined, sampleByRequestId: true };
  if (spec.disableContextPropagation)
    for (const section of from)
      if (section.spec.disableContextPropagation)
        build.report({
          code: "unsupported-field",
          severity: "warning",
          object: section.source,
          path: `${section.path}.disableContextPropagation`,
          message: "Envoy's connection manager has no such setting in the API this is made for; context is propagated",
        });
  const custom =
    spec.customTags && Object.keys(spec.customTags).length > 0 ? spec.customTags : proxyTracing?.customTags;
  const sampling = made.ownSampler ? 100 : (spec.randomSamplingPercentage ?? proxySampling(proxyTracing));
  const tracing = settings(
    proxyTracing,
    sampling,
    tracingTags(read, spec.enableIstioTags ?? true, custom ?? {}),
    made.tracing,
  );
  const last = from.at(-1);
  return {
    tracing: last ? build.from(tracing, last.source, last.path) : tracing,
    sampleByRequestId: spec.useRequestIdForTraceSampling ?? true,
  };
}

function settings(
  proxyTracing: MeshProxyConfig["tracing"],
  sampling: number,
  customTags: HttpConnectionManager_Tracing["customTags"],
  provider: HttpConnectionManager_Tracing,
): HttpConnectionManager_Tracing {
  return defined<HttpConnectionManager_Tracing>({
    ...provider,
    clientSampling: { value: 100 },
    overallSampling: { value: 100 },
    randomSampling: sampling === 0 ? {} : { value: sampling },
    customTags,
    maxPathTagLength: provider.maxPathTagLength ?? (proxyTracing?.maxPathTagLength || undefined),
  });
}

function proxySampling(tracing: MeshProxyConfig["tracing"]): number {
  const stated = tracing?.sampling;
  if (!stated) return DEFAULT_SAMPLING;
  return stated > 100 ? DEFAULT_SAMPLING : stated;
}

/** What Telemetries and default providers say for this side; undefined when neither says anything. */
function telemetryTracing(build: Build, listenerClass: ListenerClass): TracingSpec | undefined {
  const sections = tracingSections(build.read);
  const [byDefault] = meshConfigOf(build.read).defaultProviders?.tracing ?? [];
  if (sections.length === 0 && byDefault === undefined) return undefined;
  let provider = byDefault === undefined ? undefined : extensionProvider(build.read, byDefault);
  let spec: TelemetryTracing = {};
  let namedIn: PlacedTelemetry<TelemetryTracing> | undefined;
  const from = sections.filter((section) => modeMatches(section.spec.match, workloadMode(listenerClass)));
  for (const section of from) {
    const { match: _, providers, ...stated } = section.spec;
    const [first, ...others] = providers ?? [];
    if (first) {
      namedIn = section;
      provider = extensionProvider(build.read, first.name);
      if (!provider)
        build.report({
          code: "provider-missing",
          severity: "warning",
          object: section.source,
          path: `${section.path}.providers[0].name`,
          message: `names extension provider ${first.name}, which the mesh configuration does not have`,
        });
    }
    if (others.length > 0)
      build.report({
        code: "unsupported-field",
        severity: "warning",
        object: section.source,
        path: `${section.path}.providers[1]`,
        message: "spans go to one provider; all but the first are left out",
      });
    spec = { ...spec, ...stated };
  }
  return { provider, spec, from, namedIn };
}
