import type { Diagnostic, Position } from "@fairlead/model";
import { formatPath, type PathSegment } from "../common/path.ts";
import { findHostile, MAX_DEPTH } from "./hostile.ts";
import { positionIn } from "./line-index.ts";
import { offsetOf, parseYaml } from "./yaml.ts";

/** One YAML document as JSON: null when it is empty, undefined when it cannot be read (then there are diagnostics). */
export function readYaml(
  text: string,
  file: string,
): {
  value: unknown;
  diagnostics: readonly Diagnostic[];
  locate: (path: readonly PathSegment[]) => Position | undefined;
} {
  const positionAt = (offset: number) => positionIn(file, text, offset, 0);
  const fault = (code: string, message: string, offset = 0, path = ""): Diagnostic => ({
    code,
    severity: "error",
    message,
    path,
    position: positionAt(offset),
  });
  const failed = (...diagnostics: Diagnostic[]) => ({ value: undefined, diagnostics, locate: () => undefined });
  const [tree, second] = parseYaml(text, "error");
  if (tree === undefined) return { value: null, diagnostics: [], locate: () => undefined };
  if (second) return failed(fault("several-documents", "only one document is expected", second.range?.[0]));
  const [error] = tree.errors;
  if (error)
    return failed(fault(error.code === "DUPLICATE_KEY" ? "duplicate-key" : "yaml-syntax", error.message, error.pos[0]));
  try {
    const value = (tree.toJS({ maxAliasCount: 100 }) ?? null) as unknown;
    const hostile = findHostile(value);
    if (hostile)
      return failed(fault(hostile.code, hostile.message, offsetOf(tree, hostile.path), formatPath(hostile.path)));
    return {
      value,
      diagnostics: [],
      locate: (path) => {
        const offset = offsetOf(tree, path);
        return offset === undefined ? undefined : positionAt(offset);
      },
    };
  } catch (cause) {
    if (cause instanceof RangeError) return failed(fault("too-deep", `nested deeper than ${MAX_DEPTH} levels`));
    return failed(fault("too-many-aliases", cause instanceof Error ? cause.message : String(cause)));
  }
}
