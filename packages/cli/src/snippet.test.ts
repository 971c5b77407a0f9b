import { expect, it } from "vitest";
import { snippetAt } from "./snippet.ts";

const at = (line: number, column: number) => ({ file: "a.yaml", line, column });

it("shows the line and where the caret is, tabs kept", () => {
  expect(snippetAt("a: 1\r\n\tb: 2\r\n", at(2, 5))).toEqual({ line: "\tb: 2", indent: "\t   " });
  expect(snippetAt("a: 1", at(2, 1))).toBeUndefined();
});

it("shows of a long line what is around the position", () => {
  const text = `{"a":"${"x".repeat(500)}","b":1,"c":"${"y".repeat(500)}"}`;
  const column = text.indexOf('"b"') + 1;
  const { line = "", indent = "" } = snippetAt(text, at(1, column)) ?? {};
  expect(line.startsWith("…x")).toBe(true);
  expect(line.endsWith("y…")).toBe(true);
  expect(line.slice(indent.length, indent.length + 3)).toBe('"b"');
  expect(line.length).toBeLessThanOrEqual(122);
});

it("shows no line of a Secret", () => {
  const text = "kind: ConfigMap\ndata: {a: b}\n---\nkind: Secret\ndata: {key: c2VjcmV0}\n---\nkind: Pod\n";
  expect(snippetAt(text, at(2, 1))?.line).toBe("data: {a: b}");
  expect(snippetAt(text, at(5, 1))).toBeUndefined();
  expect(snippetAt(text, at(7, 1))?.line).toBe("kind: Pod");
});
