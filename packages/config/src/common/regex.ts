import { RE2JS } from "re2js";

/** What is wrong with an RE2 regular expression, which is what Envoy and Istio take; undefined when it compiles. */
export function regexFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace("error parsing regexp: ", "");
    return `not an RE2 regular expression: ${reason}`;
  }
}
