import type { Diagnostic } from "@fairlead/model";
import type { XdsError } from "../xds-error.ts";
import { canonicalJson } from "./canonical.ts";
import type { MessageOf } from "./message-of.ts";
import { messageNameOf } from "./type-url.ts";

/**
 * A message's JSON in its one canonical spelling, as `protojson` prints it: lowerCamelCase names, enum names, 64-bit integers
 * as strings, durations with 0, 3, 6 or 9 fractional digits, defaults left out. An `Any` of an unknown type stays as it is.
 * Throws `XdsError` at the first problem; {@link validate} says them all.
 */
export function canonicalize<Name extends string>(type: Name, json: object): MessageOf<Name> {
  return canonicalJson(messageNameOf(type), json, (error) => {
    throw error;
  }) as MessageOf<Name>;
}

/** Everything that keeps a JSON object from being a message of the type: unknown fields, types and enum values, bad values. */
export function validate(type: string, json: object): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report = ({ code, path, detail }: XdsError) =>
    void diagnostics.push({ code, severity: "error", path, message: detail });
  canonicalJson(messageNameOf(type), json, Object.assign(report, { unknownType: report }));
  return diagnostics;
}
