import { isRecord } from "../../common/record.ts";
import type { Report } from "../../validation/report.ts";

/**
 * What can be said of a patch's value without Envoy's API definitions, which belong to `@fairlead/xds`: types of the
 * retired v2 API, and the name, which every object has. The translation checks the rest.
 */
export function checkValue(applyTo: string, value: Readonly<Record<string, unknown>>, report: Report): void {
  const { name } = value;
  if (applyTo !== "BOOTSTRAP" && name !== undefined && name !== null && typeof name !== "string")
    report.at("name").error("wrong-type", `must be a string, found ${typeof name}`);
  warnUnknownFields(applyTo, value, report);
  const typed = NEEDS_TYPED_CONFIG.has(applyTo);
  // Elsewhere it is a field that is not there: nobody reads it.
  const { typed_config, typedConfig, ...rest } = value;
  checkTypes(typed ? value : rest, report, typed);
}

/** The fields of the small messages among those that can be patched. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  HTTP_FILTER: ["name", "typedConfig", "configDiscovery", "isOptional", "disabled"],
  NETWORK_FILTER: ["name", "typedConfig", "configDiscovery"],
  LISTENER_FILTER: ["name", "typedConfig", "configDiscovery", "filterDisabled"],
  EXTENSION_CONFIG: ["name", "typedConfig"],
};

function warnUnknownFields(applyTo: string, value: Readonly<Record<string, unknown>>, report: Report): void {
  const fields = Object.hasOwn(FIELDS, applyTo) ? FIELDS[applyTo] : undefined;
  for (const key of Object.keys(value)) {
    const name = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const unknown = fields ? !fields.includes(name) : name === "typedConfig";
    if (unknown) report.at(key).warning("unknown-field", `${applyTo} has no such field`);
  }
}

const NEEDS_TYPED_CONFIG: ReadonlySet<string> = new Set([
  "HTTP_FILTER",
  "NETWORK_FILTER",
  "LISTENER_FILTER",
  "EXTENSION_CONFIG",
]);

function checkTypes(value: unknown, report: Report, needsTypedConfig = false): void {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) checkTypes(item, report.at(index));
  if (!isRecord(value)) return;
  const type = value["@type"];
  if (type !== undefined) checkType(type, report.at("@type"));
  const typed = ["typed_config", "typedConfig", "config_discovery", "configDiscovery"].some(
    (key) => value[key] != null,
  );
  if (needsTypedConfig && !typed)
    report.warning("deprecated", "a filter is found by the type of its typed_config, not by its name");
  for (const [key, item] of Object.entries(value)) {
    if ((key === "typed_config" || key === "typedConfig") && isRecord(item) && item["@type"] === undefined)
      report.at(key).error("required", "needs an @type, which says what it is the configuration of");
    checkTypes(item, report.at(key));
  }
}

function checkType(type: unknown, report: Report): void {
  if (typeof type !== "string") report.error("wrong-type", `must be a string, found ${typeof type}`);
  else if (/^type\.googleapis\.com\/envoy\..*\.v2(alpha)?\d*\./.test(type))
    report.error("unknown-type", `${type} is of Envoy's retired v2 API; use the type of v3`);
  else if (!/^([^/]*\/)*[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/.test(type))
    report.error("unknown-type", `${JSON.stringify(type)} is no type (type.googleapis.com/envoy…)`);
}
