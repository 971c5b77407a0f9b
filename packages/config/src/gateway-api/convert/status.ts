import type { GatewayApiObject } from "../kinds.ts";

/** A status to be reported, and of what. */
export interface GatewayApiStatus {
  readonly object: GatewayApiObject;
  readonly status: Readonly<Record<string, unknown>>;
  /** Of a route: the field with the reference that leads nowhere. */
  readonly unresolvedAt?: string | undefined;
}

/** The status as it was reported, as far as it is an object. */
export function statusOf({ status }: GatewayApiObject): Readonly<Record<string, unknown>> {
  return typeof status === "object" && status !== null ? (status as Readonly<Record<string, unknown>>) : {};
}
