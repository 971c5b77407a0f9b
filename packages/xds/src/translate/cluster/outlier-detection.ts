import type { OutlierDetection } from "@fairlead/config";
import type { OutlierDetection as EnvoyOutlierDetection, Percent } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { defined } from "../listener/typed.ts";

const enforcing = (threshold: number | undefined) => (threshold === undefined ? undefined : threshold > 0 ? 100 : 0);

/** Ejection by consecutive failures only: what rests on success rates is off. `consecutiveErrors` is reported elsewhere. */
export function outlierDetection(settings: OutlierDetection | undefined): EnvoyOutlierDetection | undefined {
  if (!settings) return undefined;
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures } = settings;
  const split = settings.splitExternalLocalOriginErrors === true;
  const localOrigin = split && consecutiveLocalOriginFailures ? consecutiveLocalOriginFailures : undefined;
  return defined<EnvoyOutlierDetection>({
    enforcingSuccessRate: 0,
    consecutive5xx: consecutive5xxErrors,
    enforcingConsecutive5xx: enforcing(consecutive5xxErrors),
    consecutiveGatewayFailure: consecutiveGatewayErrors,
    enforcingConsecutiveGatewayFailure: enforcing(consecutiveGatewayErrors),
    interval: durationOf(settings.interval),
    baseEjectionTime: durationOf(settings.baseEjectionTime),
    maxEjectionPercent: settings.maxEjectionPercent || undefined,
    splitExternalLocalOriginErrors: split || undefined,
    consecutiveLocalOriginFailure: localOrigin,
    enforcingConsecutiveLocalOriginFailure: enforcing(localOrigin),
    enforcingLocalOriginSuccessRate: split ? 0 : undefined,
  });
}

/**
 * Below this share of healthy endpoints Envoy would use unhealthy ones too. Default 0, never: endpoints that are not
 * ready are sent along, and must not get traffic. Traffic distribution rests on their health, so there it stays 0.
 */
export function panicThreshold(settings: OutlierDetection | undefined, distributed: boolean): Percent {
  const percent = distributed ? 0 : (settings?.minHealthPercent ?? 0);
  return percent > 0 ? { value: percent } : {};
}
