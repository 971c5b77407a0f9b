import { analyze as analyzeDocuments, analyzeExtra } from "@fairlead/analysis";
import { type ParsedDocument, parseDocuments } from "@fairlead/config";
import { type Diagnostic, formatObject } from "@fairlead/model";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS } from "../command.ts";
import type { TextFile } from "../input.ts";
import { meshOf, readFilesAndSettings } from "../mesh-input.ts";
import { paint, printFinding, printJson } from "../output.ts";

const LEVELS = { error: "Error", warning: "Warning", info: "Info" } as const;

/** Names as Istio's analyzers have them: no namespace is made up, and of equal keys the last counts. */
function parseAll(files: readonly TextFile[]): {
  readonly documents: readonly ParsedDocument[];
  readonly unreadable: readonly Diagnostic[];
} {
  const parsed = files.map(({ file, text }) =>
    parseDocuments(text, { file, defaultNamespace: "", duplicateKeys: "last" }),
  );
  const documents = parsed.flatMap((one) => [...one.documents]);
  const told = new Set(documents.flatMap(({ diagnostics }) => diagnostics));
  // What cannot be read as a document breaks the schema in the largest way there is.
  const faults = parsed.flatMap(({ diagnostics }) => diagnostics.filter((diagnostic) => !told.has(diagnostic)));
  return { documents, unreadable: faults.map((fault) => ({ ...fault, code: "IST0106" })) };
}

export const analyze: Command = {
  summary: "Looks at objects together: what is valid alone and wrong in company.",
  usage:
    "-f FILE|FOLDER … [--extra] [--suppress CODE=KIND NAMESPACE/NAME] … [--mesh-config FILE] [--mesh-networks FILE] [-o json]",
  options: { ...MESH_OPTIONS, extra: { type: "boolean" }, suppress: { type: "string", short: "S", multiple: true } },
  async run(call, terminal) {
    const suppress = ((call.values.suppress as readonly string[] | undefined) ?? []).map((text) => {
      const equals = text.indexOf("=");
      if (equals < 1) throw new CliError("usage", `--suppress takes CODE=RESOURCE, not ${JSON.stringify(text)}`);
      return { code: text.slice(0, equals), resource: text.slice(equals + 1) };
    });
    const { files, settings } = await readFilesAndSettings(call, call.files);
    const { documents, unreadable } = parseAll(files);
    const { meshConfig, meshNetworks } = settings;
    const found = [
      ...unreadable,
      ...analyzeDocuments(documents, { meshConfig, ...(meshNetworks ? { meshNetworks } : {}), suppress }),
    ];
    if (call.values.extra)
      found.push(...analyzeExtra(meshOf(files, settings, "declared").mesh, parseDocumentsByDefault(files)));
    const records = found.map((diagnostic) => ({
      code: diagnostic.code,
      level: LEVELS[diagnostic.severity],
      resource: diagnostic.object ? formatObject(diagnostic.object) : `File ${diagnostic.position?.file ?? ""}`,
      message: diagnostic.message,
      file: diagnostic.position?.file ?? "",
      line: diagnostic.position?.line ?? 0,
    }));
    if (call.json) printJson(terminal, records);
    else {
      for (const diagnostic of found)
        printFinding(terminal, diagnostic, files.find(({ file }) => file === diagnostic.position?.file)?.text);
      terminal.out(
        found.length === 0
          ? `${paint(terminal, "good", "nothing found")} in ${documents.length} documents\n`
          : `${found.length} findings in ${documents.length} documents\n`,
      );
    }
    return found.length === 0 ? 0 : 1;
  },
};

/** As the mesh reads them, where every object is in a namespace. */
function parseDocumentsByDefault(files: readonly TextFile[]): readonly ParsedDocument[] {
  return files.flatMap(({ file, text }) => [...parseDocuments(text, { file }).documents]);
}
