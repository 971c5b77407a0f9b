import type { ZtunnelAddress, ZtunnelServiceAccountMatch, ZtunnelStringMatch } from "../../proto/types.ts";
import { addressBytes, cidrRange } from "../listener/address.ts";

/** `*`, `*suffix`, `prefix*` or exact. */
export function stringMatch(value: string): ZtunnelStringMatch {
  if (value === "*") return { presence: {} };
  if (value.startsWith("*")) return { suffix: value.slice(1) };
  return value.endsWith("*") ? { prefix: value.slice(0, -1) } : { exact: value };
}

/** `name`, which is in the policy's own namespace, or `namespace/name`. */
export function serviceAccountMatch(value: string, namespace: string): ZtunnelServiceAccountMatch {
  const slash = value.indexOf("/");
  return slash < 0
    ? { namespace, serviceAccount: value }
    : { namespace: value.slice(0, slash), serviceAccount: value.slice(slash + 1) };
}

/** Undefined for what is no port. */
export function port(value: string): number | undefined {
  return /^\d+$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined;
}

/** An address or CIDR; undefined for what is neither. */
export function addressRange(value: string): ZtunnelAddress | undefined {
  const range = cidrRange(value);
  if (!range) return undefined;
  const bytes = addressBytes(range.addressPrefix ?? "");
  // Protobuf leaves a length of 0 out.
  const length = range.prefixLen ?? 0;
  return { address: btoa(String.fromCharCode(...bytes)), ...(length > 0 ? { length } : {}) };
}
