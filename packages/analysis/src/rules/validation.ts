import { KINDS } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import type { Rule } from "../rule.ts";

/** What validation of single objects found: rules that are never reached and matches without effect by their own codes. */
export const validation: Rule = {
  name: "validation",
  codes: ["IST0106", "IST0130", "IST0131", "IST0133"],
  kinds: Object.keys(KINDS),
  check({ document }, report) {
    for (const { code, severity, message, path } of telling(document.diagnostics)) {
      if (code === "unreachable-rule") report("IST0130", message, path);
      else if (code === "ineffective-match") report("IST0131", message, path);
      else report(severity === "error" ? "IST0106" : "IST0133", message, path);
    }
  },
};

/** As Istio tells them: the same said of the same field of several items is told of the first. */
function onceEach(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const said = new Set<string>();
  return diagnostics.filter(({ severity, code, path, message }) => {
    const field = path
      .replaceAll(/\[\d+\]/g, "")
      .split(".")
      .at(-1);
    const key = [severity, code, field, message].join("|");
    if (said.has(key)) return false;
    said.add(key);
    return true;
  });
}

/**
 * What the catalogue has a place for: not remarks, and not names that the API server judges (those are warnings here). A patch with a field that
 * Envoy does not know is told by that field alone.
 */
function telling(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = onceEach(
    diagnostics.filter(
      ({ severity, path }) => severity !== "info" && (severity === "error" || !path.startsWith("metadata")),
    ),
  );
  const patchOf = (path: string) => /^spec\.configPatches\[\d+\]\.patch/.exec(path)?.[0];
  const first = new Map<string, Diagnostic>();
  for (const diagnostic of told) {
    const patch = diagnostic.code === "unknown-field" ? patchOf(diagnostic.path) : undefined;
    if (patch !== undefined && !first.has(patch)) first.set(patch, diagnostic);
  }
  return told.filter((diagnostic) => {
    const unknown = first.get(patchOf(diagnostic.path) ?? "");
    return unknown === undefined || unknown === diagnostic;
  });
}
