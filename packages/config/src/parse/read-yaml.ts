import type { Diagnostic, Position } from "@fairlead/model";
import { formatPath, type PathSegment } from "../common/path.ts";
import { findHostile } from "./hostile.ts";
import { lineStarts, positionIn } from "./line-index.ts";
import { offsetOf, parseYaml, readTree } from "./yaml.ts";

/** One YAML document as JSON: null when it is empty, undefined when it cannot be read (then there are diagnostics). */
export function readYaml(
  text: string,
  file: string,
): {
  value: unknown;
  diagnostics: readonly Diagnostic[];
  locate: (path: readonly PathSegment[]) => Position | undefined;
} {
  const starts = lineStarts(text);
  const positionAt = (offset: number) => positionIn(file, starts, offset, 0);
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
  if (second) return failed(fault("several-documents", "only one document is expected", second.document.range?.[0]));
  if (tree.faults.length > 0)
    return failed(...tree.faults.map(({ code, message, offset }) => fault(code, message, offset)));
  const read = readTree(tree);
  if ("fault" in read) return failed(fault(read.fault.code, read.fault.message, read.fault.offset));
  const hostile = findHostile(read.value);
  if (hostile)
    return failed(
      fault(hostile.code, hostile.message, offsetOf(tree.document, hostile.path), formatPath(hostile.path)),
    );
  return {
    value: read.value ?? null,
    diagnostics: [],
    locate: (path) => {
      const offset = offsetOf(tree.document, path);
      return offset === undefined ? undefined : positionAt(offset);
    },
  };
}
