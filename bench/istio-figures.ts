import type { Type } from "./translation-scenario.ts";

type Figures = Readonly<Partial<Record<Type, number>>> & { readonly context?: number };

/**
 * Istio's own benchmarks on a machine like ours: `go test -bench` in `pilot/pkg/xds` of istio/istio at 86c9f01fd735 (2026-08-22), caching
 * of resources off as there, on 2 busy cores, the mean of two passes of 0.3 s. CPU milliseconds of the whole process for one `Generate`,
 * and for the push context with the scope, gateways and service targets of the proxy (`context`), which is made before. Endpoints are
 * asked for with `Forced`: without it the benchmark of that version generates nothing; their assignments hold names only.
 */
export const ISTIO: Readonly<Record<string, Figures>> = {
  gateways: { routes: 48.89, clusters: 19.22, listeners: 24.02, context: 11.89 },
  "gateways-shared": { routes: 92.91, clusters: 19.99, listeners: 0.0577, context: 3.824 },
  "knative-gateway": { routes: 5.306, clusters: 0.04498, listeners: 0.05114, context: 0.06195 },
  http: { routes: 0.9461, clusters: 3.116, listeners: 0.2135, context: 0.2499 },
  tcp: { clusters: 2.69, listeners: 1.289, context: 0.2531 },
  tls: { clusters: 2.638, listeners: 1.139, context: 0.2474 },
  auto: { routes: 2.04, clusters: 3.306, listeners: 3.324, context: 0.2486 },
  strict: { listeners: 0.2625, context: 0.01497 },
  disabled: { listeners: 0.2027, context: 0.01378 },
  externalname: { routes: 0.1086, clusters: 0.05525, listeners: 0.2185, context: 0.2421 },
  "telemetry-api": { routes: 2.119, clusters: 9.796, listeners: 3.925, context: 0.3187 },
  virtualservice: { routes: 2.562, clusters: 2.165, listeners: 0.2189, context: 0.2795 },
  authorizationpolicy: { listeners: 2.2, context: 0.09926 },
  "serviceentry-workloadentry": { routes: 1.494, clusters: 12.03, listeners: 2.67, context: 0.5517 },
  "eds-1x100": { endpoints: 1.385 },
  "eds-10x10": { endpoints: 1.025 },
  "eds-100x10": { endpoints: 8.413 },
  "eds-1000x1": { endpoints: 7.635 },
};

/** CPU milliseconds of the benchmark's fixed computation, in turns with those: the median of 152. */
export const REFERENCE = 21.87;
