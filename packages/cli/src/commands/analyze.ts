import { EXTRA_RULES, extraFindings } from "@fairlead/analysis";
import { Derivations, settingsDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, formatObject } from "@fairlead/model";
import { CliError } from "../cli-error.ts";
import { asksForCluster, CLUSTER_OPTIONS } from "../cluster.ts";
import { readCluster, withFilesOnTop } from "../cluster-input.ts";
import { type Call, type Command, type ExitCode, MESH_OPTIONS, type Terminal } from "../command.ts";
import { readFiles, type TextFile } from "../input.ts";
import { meshOf, placed, placesOfSettings, readFilesAndSettings, readSettings, type Settings } from "../mesh-input.ts";
import { paint, printFinding, printJson } from "../output.ts";
import { RunningAnalysis } from "../running-analysis.ts";
import { answerOrWatch, WATCH_OPTION } from "../watch.ts";

const LEVELS = { error: "Error", warning: "Warning", info: "Info" } as const;

interface Input {
  readonly files: readonly TextFile[];
  readonly settings: Settings;
}

function answer({ files, settings }: Input, running: RunningAnalysis, call: Call, terminal: Terminal): ExitCode {
  const { found: known, documents } = running.update(files, settings);
  const broken = settings.diagnostics.filter(({ severity }) => severity === "error");
  const found = [...broken.map((fault) => ({ ...fault, code: "IST0106" })), ...known];
  if (call.values.extra) {
    const told = settings.diagnostics.filter((diagnostic) => !broken.includes(diagnostic));
    const locate = placesOfSettings(settings);
    const unread = settingsDiagnostics(settings.meshConfig, settings.meshNetworks);
    found.push(...told, ...unread.map((diagnostic) => placed(diagnostic, locate)));
    const { mesh, diagnostics, locate: placeOf } = meshOf(files, settings, "declared");
    found.push(...diagnostics.flatMap(gatewayApiFinding));
    // What Ingresses and routes stand for is placed there.
    found.push(...extraFindings(new Derivations(mesh), placeOf));
  }
  if (call.json) printJson(terminal, found.map(recordOf));
  else {
    for (const diagnostic of found)
      printFinding(terminal, diagnostic, textOf(diagnostic, [...files, ...settings.files]));
    terminal.out(
      found.length === 0
        ? `${paint(terminal, "good", "nothing found")} in ${documents} documents\n`
        : `${found.length} findings in ${documents} documents\n`,
    );
  }
  return found.length === 0 ? 0 : 1;
}

/** What became of the Gateway API's objects is known where they are converted. */
function gatewayApiFinding(diagnostic: Diagnostic): readonly Diagnostic[] {
  if (!diagnostic.code.startsWith("gateway-api-")) return [];
  const code = EXTRA_RULES[diagnostic.code as keyof typeof EXTRA_RULES];
  return code ? [{ ...diagnostic, code }] : [];
}

/** The text to show a finding in: that of a Secret of a cluster is nobody's to see. */
function textOf({ position }: Diagnostic, files: readonly TextFile[]): string | undefined {
  if (position?.file.startsWith("cluster:Secret/")) return undefined;
  return files.find(({ file }) => file === position?.file)?.text;
}

function recordOf(diagnostic: Diagnostic) {
  return {
    code: diagnostic.code,
    level: LEVELS[diagnostic.severity],
    resource: diagnostic.object ? formatObject(diagnostic.object) : `File ${diagnostic.position?.file ?? ""}`,
    message: diagnostic.message,
    file: diagnostic.position?.file ?? "",
    line: diagnostic.position?.line ?? 0,
  };
}

export const analyze: Command = {
  summary: "Looks at objects together: what is valid alone and wrong in company.",
  usage:
    "-f FILE|FOLDER … | --kubernetes [--kubeconfig FILE] [--context NAME] [-f FILE|FOLDER …] [--extra] [--suppress CODE=KIND NAME.NAMESPACE] … [--mesh-config FILE] [--mesh-networks FILE] [--watch | -o json]",
  options: {
    ...MESH_OPTIONS,
    ...WATCH_OPTION,
    ...CLUSTER_OPTIONS,
    extra: { type: "boolean" },
    suppress: { type: "string", short: "S", multiple: true },
  },
  async run(call, terminal) {
    const suppress = ((call.values.suppress as readonly string[] | undefined) ?? []).map((text) => {
      const equals = text.indexOf("=");
      if (equals < 1)
        throw new CliError("usage", `--suppress takes CODE=KIND NAME.NAMESPACE, not ${JSON.stringify(text)}`);
      return { code: text.slice(0, equals), resource: text.slice(equals + 1) };
    });
    if (asksForCluster(call)) {
      if (call.values.watch) throw new CliError("usage", "--watch follows files, not a cluster");
      const cluster = await readCluster(call, terminal);
      const files = call.files.length === 0 ? [] : await readFiles(call.files);
      const all = { files: withFilesOnTop(cluster.files, files), settings: await readSettings(call, cluster.settings) };
      return answer(all, new RunningAnalysis(suppress, { defaultNamespace: "default" }), call, terminal);
    }
    const running = new RunningAnalysis(suppress);
    const settings = [call.text("mesh-config"), call.text("mesh-networks")].filter((path) => path !== undefined);
    return answerOrWatch(call, terminal, {
      paths: [...call.files, ...settings],
      read: () => readFilesAndSettings(call, call.files),
      answer: (input) => answer(input, running, call, terminal),
    });
  },
};
