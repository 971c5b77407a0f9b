import { type Answer, evaluate, SimulatorError } from "@fairlead/simulator";
import { matchers, type RouteCoverage, routeCoverage } from "@fairlead/simulator/testing";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS, type Terminal } from "../command.ts";
import { readFiles } from "../input.ts";
import { readMesh } from "../mesh-input.ts";
import { paint, printJson, printLeftOut } from "../output.ts";
import { parseTests, type RouteTest } from "../test-file.ts";

interface Result {
  readonly test: RouteTest;
  /** Empty: it passed. */
  readonly failures: readonly string[];
}

function judge({ outcome, destinations, status }: RouteTest, answer: Answer): readonly string[] {
  const results = [
    ...(outcome === undefined ? [] : [matchers.toHaveOutcome(answer, outcome)]),
    ...destinations.map((expected) => matchers.toRouteTo(answer, expected)),
  ];
  const failures = results.flatMap(({ pass, message }) => (pass ? [] : [message().trimEnd()]));
  const got = answer.response?.status;
  if (status === undefined || status === got) return failures;
  return [...failures, `expected the status ${status}, got ${got ?? "none of a proxy"}\n${answer.explain()}`];
}

function percentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new CliError("usage", `--fail-under takes a percentage from 0 to 100, not ${JSON.stringify(text)}`);
}

export const test: Command = {
  summary: "Runs tests written in YAML: requests, and what should become of them.",
  usage:
    "-f MESH … [--coverage] [--fail-under PERCENT] [--mesh-config FILE] [--mesh-networks FILE] TESTS.yaml|FOLDER … [-o json]",
  options: { ...MESH_OPTIONS, coverage: { type: "boolean" }, "fail-under": { type: "string" } },
  required: ["file"],
  positionals: { least: 1, most: Number.POSITIVE_INFINITY },
  async run(call, terminal) {
    const least = percentOf(call.text("fail-under"));
    const files = await readFiles(call.positionals);
    const tests = files.flatMap(parseTests);
    const { mesh, diagnostics } = await readMesh(call, call.files, "assumed");
    printLeftOut(terminal, diagnostics);
    const coverage = routeCoverage(mesh);
    const results = tests.map((one): Result => {
      try {
        const answer = evaluate(mesh, { from: one.from, request: one.request });
        coverage.add(answer);
        return { test: one, failures: judge(one, answer) };
      } catch (error) {
        if (error instanceof SimulatorError) return { test: one, failures: [error.message] };
        throw error;
      }
    });
    const failed = results.filter(({ failures }) => failures.length > 0).length;
    const percent = Math.floor(coverage.share() * 1000) / 10;
    const covers = least === undefined || percent >= least;
    const withCoverage = call.values.coverage === true || least !== undefined;
    if (call.json)
      printJson(terminal, {
        tests: results.map(({ test: { name, file, line }, failures }) => ({
          name,
          file,
          line,
          passed: failures.length === 0,
          failures,
        })),
        ...(withCoverage ? { coverage: { percent, rules: coverage.rules(), policies: coverage.policies() } } : {}),
      });
    else {
      for (const result of results) printResult(terminal, result);
      terminal.out(`${results.length - failed} passed, ${failed} failed\n`);
      if (withCoverage) printCoverage(terminal, coverage, percent);
      if (!covers) terminal.out(`${paint(terminal, "error", "✗")} coverage is below ${least} %\n`);
    }
    return failed === 0 && covers ? 0 : 1;
  },
};

function printResult(terminal: Terminal, { test: { name, file, line }, failures }: Result): void {
  terminal.out(
    failures.length === 0
      ? `${paint(terminal, "good", "✓")} ${name}\n`
      : `${paint(terminal, "error", "✗")} ${name} (${file}:${line})\n`,
  );
  for (const failure of failures) terminal.out(`    ${failure.replaceAll("\n", "\n    ")}\n`);
}

function printCoverage(terminal: Terminal, coverage: RouteCoverage, percent: number): void {
  const rules = coverage.rules();
  const missed = rules.filter(({ reached }) => !reached);
  terminal.out(`coverage: ${percent} %, ${rules.length - missed.length} of ${rules.length} rules\n`);
  const policies = coverage.policies();
  const idle = policies.filter(({ reached }) => !reached);
  if (policies.length > 0)
    terminal.out(`policies: ${policies.length - idle.length} of ${policies.length} rules decided about a request\n`);
  for (const { object, path, position } of [...missed, ...idle])
    terminal.out(`  ${position ? `${position.file}:${position.line}: ` : ""}no request reached ${object} ${path}\n`);
}
