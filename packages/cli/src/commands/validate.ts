import { KINDS, parseDocuments, parseMeshConfig, parseMeshNetworks } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { validate as envoy } from "@fairlead/xds/proto";
import { CliError } from "../cli-error.ts";
import type { Command, ExitCode, Terminal } from "../command.ts";
import { readFiles, type TextFile } from "../input.ts";
import { paint, printFinding, printJson } from "../output.ts";
import { answerOrWatch, WATCH_OPTION } from "../watch.ts";

interface Finding {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** One document, as `validate -o json` prints it. */
export interface ValidationRecord {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly file: string;
  readonly line: number;
  readonly valid: boolean;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

interface Checked {
  readonly record: ValidationRecord;
  readonly diagnostics: readonly Diagnostic[];
}

type Subject = Pick<ValidationRecord, "kind" | "name" | "namespace" | "file" | "line">;

/** What nobody here knows is no valid document of theirs, whatever its group. */
function asFound(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.code === "unknown-kind" ? { ...diagnostic, severity: "error" } : diagnostic;
}

function check(what: Subject, found: readonly Diagnostic[]): Checked {
  const diagnostics = found.map(asFound);
  const of = (severity: Diagnostic["severity"]): Finding[] =>
    diagnostics
      .filter((diagnostic) => diagnostic.severity === severity)
      .map(({ code, path, message, position }) => ({
        code,
        path,
        message,
        line: position?.line ?? what.line,
        column: position?.column ?? 1,
      }));
  const errors = of("error");
  return { record: { ...what, valid: errors.length === 0, errors, warnings: of("warning") }, diagnostics };
}

function checkFile({ file, text }: TextFile): readonly Checked[] {
  const { documents, diagnostics } = parseDocuments(text, { file, envoy });
  const checked = documents.map((document) => {
    const { kind, name, namespace, line } = document;
    return check({ kind, name, namespace, file, line }, document.diagnostics);
  });
  // What could not be read as a document at all is a record too.
  const told = new Set(documents.flatMap((document) => document.diagnostics));
  const faults = diagnostics.filter((diagnostic) => !told.has(diagnostic));
  for (const [line, found] of byDocument(text, faults))
    checked.push(check({ kind: "", name: "", namespace: "", file, line }, found));
  return checked.sort((a, b) => a.record.line - b.record.line);
}

/** Faults by the first line of the document that they are in. */
function byDocument(text: string, faults: readonly Diagnostic[]): ReadonlyMap<number, readonly Diagnostic[]> {
  if (faults.length === 0) return new Map();
  const lines = text.split("\n");
  const starts = [0, ...lines.flatMap((line, index) => (/^---(\s|$)/.test(line) ? [index + 1] : []))];
  return Map.groupBy(faults, ({ code, position }) => {
    // What is missing at the end of a document is told at the marker after it.
    const { line = 1, column = 1 } = position ?? {};
    const within = code === "yaml-syntax" && column === 1 ? line - 1 : line;
    const start = starts.findLast((candidate) => candidate <= within) ?? 0;
    const content = lines.findIndex((one, index) => index >= start && /^\s*[^\s#]/.test(one));
    return Math.min(content + 1 || 1, line);
  });
}

/** The file as one document of a kind that it need not name: then it is the `spec` alone. */
function checkAs(kind: string, { file, text }: TextFile): readonly Checked[] {
  const what = { kind, name: "", namespace: "", file, line: 1 };
  if (kind === "MeshConfig") return [check(what, parseMeshConfig(text, { file }).diagnostics)];
  if (kind === "MeshNetworks") return [check(what, parseMeshNetworks(text, { file }).diagnostics)];
  const definition = (
    KINDS as Readonly<Record<string, { readonly group: string; readonly versions: readonly string[] } | undefined>>
  )[kind];
  if (!definition)
    throw new CliError(
      "usage",
      `--kind ${kind} is not known; there are MeshConfig, MeshNetworks, ${Object.keys(KINDS).join(", ")}`,
    );
  const { documents, diagnostics } = parseDocuments(text, { file, envoy });
  if (documents.length === 0 && diagnostics.length <= 1 && diagnostics.every(({ code }) => code === "missing-kind"))
    return [check(what, specDiagnostics(`${definition.group}/${definition.versions[0]}`, kind, { file, text }))];
  return checkFile({ file, text }).map((one) => {
    const { record } = one;
    if (record.kind === kind) return one;
    if (record.kind === "") return { ...one, record: { ...record, kind } };
    const message = `expected ${kind}, found ${record.kind}`;
    return check(record, [...one.diagnostics, { code: "wrong-kind", severity: "error", path: "kind", message }]);
  });
}

const INDENT = "  ";

/** What is wrong with a `spec` that stands alone: it is checked inside a document, and told where it stands. */
function specDiagnostics(apiVersion: string, kind: string, { file, text }: TextFile): readonly Diagnostic[] {
  const head = [`apiVersion: ${apiVersion}`, `kind: ${kind}`, "metadata: {name: unnamed}"];
  const lines = text.split("\n").map((line) => (/^(---|\.\.\.)\s*$/.test(line) ? "" : line));
  const isEmpty = lines.every((line) => /^\s*(#.*)?$/.test(line));
  const whole = [...head, isEmpty ? "spec: {}" : "spec:", ...lines.map((line) => INDENT + line)].join("\n");
  return parseDocuments(whole, { file, envoy }).diagnostics.map((diagnostic) => {
    const { position } = diagnostic;
    if (!position) return diagnostic;
    const line = position.line - head.length - 1;
    const placed = line < 1 ? { line: 1, column: 1 } : { line, column: Math.max(1, position.column - INDENT.length) };
    return { ...diagnostic, position: { file, ...placed } };
  });
}

function answer(files: readonly TextFile[], kind: string | undefined, json: boolean, terminal: Terminal): ExitCode {
  const checked = files.map((file) => ({ file, found: kind ? checkAs(kind, file) : checkFile(file) }));
  const records = checked.flatMap(({ found }) => found.map(({ record }) => record));
  const invalid = records.filter((record) => !record.valid).length;
  if (json) printJson(terminal, records);
  else {
    for (const { file, found } of checked)
      for (const { diagnostics } of found)
        for (const diagnostic of diagnostics) printFinding(terminal, diagnostic, file.text);
    const warnings = records.reduce((sum, record) => sum + record.warnings.length, 0);
    const verdict =
      invalid === 0 ? paint(terminal, "good", "all valid") : paint(terminal, "error", `${invalid} invalid`);
    terminal.out(`${records.length} documents in ${files.length} files: ${verdict}, ${warnings} warnings\n`);
  }
  return invalid === 0 ? 0 : 1;
}

export const validate: Command = {
  summary: "Checks configuration documents, each on its own, as a cluster would.",
  usage: "-f FILE|FOLDER … [--kind KIND] [--watch | -o json]",
  options: { file: { type: "string", short: "f", multiple: true }, kind: { type: "string" }, ...WATCH_OPTION },
  run(call, terminal) {
    return answerOrWatch(call, terminal, {
      paths: call.files,
      read: async () => ({ files: await readFiles(call.files) }),
      answer: ({ files }) => answer(files, call.text("kind"), call.json, terminal),
    });
  },
};
