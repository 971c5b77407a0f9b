import { at, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** Access logging without a provider needs a default one; Lightstep is on its way out. */
export const telemetryProvider: Rule = {
  name: "telemetry/provider",
  codes: ["IST0157", "IST0002"],
  kinds: ["Telemetry"],
  check({ spec }, report, { meshConfig }) {
    const defaults = meshConfig.defaultProviders?.accessLogging ?? [];
    const lightstep = new Set(
      (meshConfig.extensionProviders ?? []).filter((provider) => "lightstep" in provider).map(({ name }) => name),
    );
    if (defaults.length === 0)
      for (const [index, logging] of records(spec.accessLogging).entries())
        if (logging.disabled !== true && records(logging.providers).length === 0)
          report(
            "IST0157",
            "names no provider, and the mesh has no default one for access logs",
            `spec.accessLogging[${index}]`,
          );
    for (const [index, tracing] of records(spec.tracing).entries())
      for (const provider of records(tracing.providers)) {
        const name = text(at(provider, "name"));
        if (lightstep.has(name))
          report(
            "IST0002",
            `the Lightstep provider ${name} is deprecated: use OpenTelemetry`,
            `spec.tracing[${index}].providers`,
          );
      }
  },
};
