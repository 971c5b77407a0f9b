import type { Type } from "./translation-scenario.ts";

/**
 * Istio's own benchmarks on a machine like ours: `go test -bench` in `pilot/pkg/xds` of istio/istio at 86c9f01fd735 (2026-08-22), caching
 * of resources off as there, three passes of 0.3 s on 2 busy cores, the median. CPU milliseconds of the whole process for one
 * `Generate`, and for the push context with the scope, gateways and service targets of the proxy (`context`), which is made before.
 * Endpoints are asked for with `Forced`: without it the benchmark of that version generates nothing; their assignments hold names only.
 */
export const ISTIO: Readonly<Record<string, Figures>> = {
  gateways: { routes: 65.43, clusters: 26.09, listeners: 30.92, context: 20.17 },
  "gateways-shared": { routes: 155.9, clusters: 26.69, listeners: 0.09894, context: 9.457 },
  "knative-gateway": { routes: 6.613, clusters: 0.04309, listeners: 0.03692, context: 0.07072 },
  http: { routes: 0.5718, clusters: 3.395, listeners: 0.2064, context: 0.288 },
  tcp: { clusters: 2.635, listeners: 0.799, context: 0.2747 },
  tls: { clusters: 3.351, listeners: 0.7983, context: 0.2372 },
  auto: { routes: 2.638, clusters: 3.806, listeners: 3.01, context: 0.3331 },
  strict: { listeners: 0.3673, context: 0.01079 },
  disabled: { listeners: 0.1595, context: 0.0109 },
  externalname: { routes: 0.118, clusters: 0.06244, listeners: 0.3261, context: 0.4229 },
  "telemetry-api": { routes: 1.571, clusters: 9.351, listeners: 2.86, context: 0.1937 },
  virtualservice: { routes: 1.696, clusters: 1.448, listeners: 0.146, context: 0.2379 },
  authorizationpolicy: { listeners: 1.752, context: 0.1041 },
  "serviceentry-workloadentry": { routes: 1.645, clusters: 10.36, listeners: 1.775, context: 0.4669 },
  "eds-1x100": { endpoints: 1.315 },
  "eds-10x10": { endpoints: 0.9042 },
  "eds-100x10": { endpoints: 9.51 },
  "eds-1000x1": { endpoints: 7.995 },
};

type Figures = Readonly<Partial<Record<Type, number>>> & { readonly context?: number };

/** CPU milliseconds of the benchmark's fixed computation at that time. */
export const REFERENCE = 20.0;
