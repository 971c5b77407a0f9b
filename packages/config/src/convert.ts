import { ConfigError } from "./common/config-error.ts";
import { KINDS, type KindDefinition, type KindName } from "./kinds.ts";
import type { ConfigObject } from "./object.ts";

/**
 * The object in another served API version (`v1beta1`, or in full `networking.istio.io/v1beta1`). All versions of a kind
 * have one schema, so nothing else changes. Throws ConfigError `UNKNOWN_VERSION` for a version that is not served.
 */
export function convert<Kind extends KindName>(object: ConfigObject<Kind>, version: string): ConfigObject<Kind> {
  const { group, versions }: KindDefinition = KINDS[object.kind];
  const apiVersion = version.includes("/") ? version : `${group}/${version}`;
  if (!versions.some((served) => apiVersion === `${group}/${served}`))
    throw new ConfigError(
      "UNKNOWN_VERSION",
      `${object.kind} is not served as ${apiVersion}, only as ${versions.join(", ")}`,
    );
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}
