import { type CorsPolicy, parseDuration } from "@fairlead/config";
import type { HttpCorsPolicy, StringMatcher } from "../../proto/types.ts";
import { stringMatcher } from "./string-match.ts";

/** The CORS filter's settings for a route. `allowOrigin` counts only without `allowOrigins`. Source: Istio API, `CorsPolicy`. */
export function corsPolicy(cors: CorsPolicy): HttpCorsPolicy {
  const origins: StringMatcher[] = cors.allowOrigins
    ? cors.allowOrigins.flatMap((match) => stringMatcher(match) ?? [])
    : (cors.allowOrigin ?? []).map((exact) => ({ exact }));
  const maxAge = cors.maxAge === undefined ? undefined : parseDuration(cors.maxAge);
  return {
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== "IGNORE",
    filterEnabled: { defaultValue: { numerator: 100 } },
    ...(origins.length > 0 ? { allowOriginStringMatch: origins } : {}),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    ...joined("allowHeaders", cors.allowHeaders),
    ...joined("allowMethods", cors.allowMethods),
    ...joined("exposeHeaders", cors.exposeHeaders),
    // Whole seconds: the header knows no fractions.
    ...(maxAge === undefined ? {} : { maxAge: String(Math.trunc(maxAge / 1000)) }),
  };
}

function joined(field: "allowHeaders" | "allowMethods" | "exposeHeaders", names: readonly string[] | undefined) {
  return names && names.length > 0 ? { [field]: names.join(",") } : {};
}
