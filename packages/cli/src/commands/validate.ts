import { KINDS, parseDocuments, parseMeshConfig, parseMeshNetworks } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { parse as parseYaml, stringify } from "yaml";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { readFiles, type TextFile } from "../input.ts";
import { paint, printFinding, printJson } from "../output.ts";

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

function check(
  what: Pick<ValidationRecord, "kind" | "name" | "namespace" | "file" | "line">,
  diagnostics: readonly Diagnostic[],
): Checked {
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
  const { documents, diagnostics } = parseDocuments(text, { file });
  const checked = documents.map((document) => {
    const { kind, name, namespace, line } = document;
    return check({ kind, name, namespace, file, line }, document.diagnostics);
  });
  // What could not be read as a document at all is a record too.
  const told = new Set(documents.flatMap((document) => document.diagnostics));
  for (const fault of diagnostics)
    if (!told.has(fault))
      checked.push(
        check(
          {
            kind: fault.object?.kind ?? "",
            name: fault.object?.name ?? "",
            namespace: fault.object?.namespace ?? "",
            file,
            line: fault.position?.line ?? 1,
          },
          [fault],
        ),
      );
  return checked.sort((a, b) => a.record.line - b.record.line);
}

/** The file as one document of a kind that it need not name. */
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
  let value: unknown;
  try {
    value = parseYaml(text) ?? {};
  } catch {
    return checkFile({ file, text });
  }
  if (typeof value === "object" && value !== null && "kind" in value) {
    const checked = checkFile({ file, text });
    return checked.map((one) =>
      one.record.kind === kind || one.record.kind === ""
        ? one
        : check(one.record, [
            ...one.diagnostics,
            {
              code: "wrong-kind",
              severity: "error",
              path: "kind",
              message: `expected ${kind}, found ${one.record.kind}`,
            },
          ]),
    );
  }
  const wrapped = {
    apiVersion: `${definition.group}/${definition.versions[0]}`,
    kind,
    metadata: { name: "unnamed" },
    spec: value,
  };
  return checkFile({ file, text: stringify(wrapped) });
}

export const validate: Command = {
  summary: "Checks configuration documents, each on its own, as a cluster would.",
  usage: "-f FILE|FOLDER … [--kind KIND] [-o json]",
  options: { file: { type: "string", short: "f", multiple: true }, kind: { type: "string" } },
  async run(call, terminal) {
    const kind = call.text("kind");
    const files = await readFiles(call.files);
    const checked = files.map((file) => ({ file, found: kind ? checkAs(kind, file) : checkFile(file) }));
    const records = checked.flatMap(({ found }) => found.map(({ record }) => record));
    const invalid = records.filter((record) => !record.valid).length;
    if (call.json) printJson(terminal, records);
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
  },
};
