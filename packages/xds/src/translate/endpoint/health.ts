import type { Endpoint, HealthStatus, Service } from "@fairlead/model";

/** A label by which an endpoint is drained by hand. */
const DRAINING_LABEL = "istio.io/draining";
const SESSION_LABEL = "istio.io/persistent-session";

export function healthOf({ health, labels }: Pick<Endpoint, "health" | "labels">): HealthStatus {
  return labels[DRAINING_LABEL] ? "draining" : health;
}

/**
 * Whether an endpoint is sent. Unhealthy ones are, so that Envoy knows of how many the healthy are a part, unless the
 * policy lets Envoy panic below a share (`minHealthPercent`): it would then use them. Draining ones are for services
 * with persistent sessions; terminating ones for nobody.
 */
export function isServed(
  endpoint: Pick<Endpoint, "health" | "labels">,
  service: Pick<Service, "labels" | "trafficDistribution">,
  minHealthPercent: number,
): boolean {
  switch (healthOf(endpoint)) {
    case "unhealthy":
      return service.trafficDistribution !== undefined || minHealthPercent <= 0;
    case "draining":
      return Boolean(service.labels[SESSION_LABEL]);
    case "terminating":
      return false;
    default:
      return true;
  }
}
