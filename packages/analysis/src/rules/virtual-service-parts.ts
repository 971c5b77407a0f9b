import { type Json, record, records } from "../json.ts";
import type { Resource } from "../resource.ts";

/** A destination of a VirtualService and its field path. */
export interface PlacedDestination {
  readonly destination: Json;
  readonly path: string;
  readonly mirror: boolean;
}

/** Destinations of tcp, tls and http routes, then those of mirrors. */
export function destinationsOf({ spec }: Resource): readonly PlacedDestination[] {
  const routes = ["tcp", "tls", "http"].flatMap((protocol) =>
    records(spec[protocol]).flatMap((rule, index) =>
      records(rule.route).map((route, at) => ({
        destination: record(route.destination),
        path: `spec.${protocol}[${index}].route[${at}].destination.host`,
        mirror: false,
      })),
    ),
  );
  const mirrors = records(spec.http).flatMap((rule, index) => [
    ...(rule.mirror === undefined
      ? []
      : [{ destination: record(rule.mirror), path: `spec.http[${index}].mirror.host`, mirror: true }]),
    ...records(rule.mirrors).map((mirror, at) => ({
      destination: record(mirror.destination),
      path: `spec.http[${index}].mirrors[${at}].destination.host`,
      mirror: true,
    })),
  ]);
  return [...routes, ...mirrors];
}
