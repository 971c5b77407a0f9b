import { reach as compute, type PolicyFinding, type Reach, type Way, type Witness } from "@fairlead/simulator";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS, type Terminal } from "../command.ts";
import { readMesh } from "../mesh-input.ts";
import { paint, printJson, printLeftOut } from "../output.ts";
import { asUsage } from "../simulated.ts";

interface Assertion {
  readonly from: string;
  readonly to: string;
  readonly holds: boolean;
  readonly result: Reach;
}

function parseAssertion(text: string): readonly [from: string, to: string] {
  const [from, to, ...rest] = text.split("=");
  if (!from || !to || rest.length > 0) throw new CliError("usage", `--deny takes FROM=TO, not ${JSON.stringify(text)}`);
  return [from, to];
}

const words = ({ request: { method = "GET", url, headers = {}, claims } }: Witness) =>
  [
    url.startsWith("http") ? method : "",
    url,
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(claims ? [`with a token of ${JSON.stringify(claims)}`] : []),
  ]
    .filter(Boolean)
    .join(" ");

const record = ({ from, to, transport, verdict, because, witnesses }: Way) => ({
  from,
  to,
  transport,
  verdict,
  because,
  witnesses: witnesses.map(({ request, policy }) => ({ request, ...(policy === undefined ? {} : { policy }) })),
});

/** Ways to workloads of one service that differ in nothing are told once. */
function printWays(terminal: Terminal, ways: readonly Way[]): void {
  const told = new Set<string>();
  for (const way of ways) {
    const { workload: _, ...to } = way.to;
    const text = JSON.stringify(record({ ...way, to: { ...to, workload: "" } }));
    if (told.has(text)) continue;
    told.add(text);
    printWay(terminal, way);
  }
}

function printWay(terminal: Terminal, { from, to, transport, verdict, because, witnesses }: Way): void {
  const colour = verdict === "denied" ? "good" : "warning";
  terminal.out(
    `${from.namespace}/${from.serviceAccount} → ${to.service}:${to.port} ${transport}: ${paint(terminal, colour, verdict)}, ${because}\n`,
  );
  for (const witness of witnesses)
    terminal.out(`    ${words(witness)}${witness.policy ? `  (${witness.policy})` : ""}\n`);
}

function printFinding(terminal: Terminal, { kind, message, subject, path, position }: PolicyFinding): void {
  const place = position ? `${position.file}:${position.line}:${position.column}: ` : "";
  terminal.out(`${place}${paint(terminal, "warning", kind)}: ${subject}${path ? ` ${path}` : ""}: ${message}\n`);
}

export const reach: Command = {
  summary: "Says who can call whom, with a proof or a request that gets through; and which policies do nothing.",
  usage:
    "-f FILE|FOLDER … [--from NAMESPACE|WORKLOAD.NAMESPACE] [--to NAMESPACE|SERVICE] [--deny FROM=TO] … [--mesh-config FILE] [--mesh-networks FILE] [-o json]",
  options: {
    ...MESH_OPTIONS,
    from: { type: "string" },
    to: { type: "string" },
    deny: { type: "string", multiple: true },
  },
  required: ["file"],
  async run(call, terminal) {
    const wanted = ((call.values.deny as readonly string[] | undefined) ?? []).map(parseAssertion);
    const { mesh, diagnostics } = await readMesh(call, call.files, "assumed");
    printLeftOut(terminal, diagnostics);
    const [from, to] = [call.text("from"), call.text("to")];
    const ask = (who: string | undefined, whom: string | undefined) =>
      asUsage(() =>
        compute(mesh, { ...(who === undefined ? {} : { from: who }), ...(whom === undefined ? {} : { to: whom }) }),
      );
    const asked = wanted.length === 0 || from !== undefined || to !== undefined ? ask(from, to) : undefined;
    const assertions = wanted.map(([who, whom]): Assertion => {
      const result = ask(who, whom);
      return { from: who, to: whom, holds: result.isolated === "proved", result };
    });
    if (call.json)
      printJson(terminal, {
        ...(asked ? { ways: asked.ways.map(record), findings: asked.findings } : {}),
        assertions: assertions.map(({ result, ...assertion }) => ({
          ...assertion,
          isolated: result.isolated,
          ways: result.ways.map(record),
        })),
      });
    else {
      printWays(terminal, asked?.ways ?? []);
      for (const finding of asked?.findings ?? []) printFinding(terminal, finding);
      for (const assertion of assertions) printAssertion(terminal, assertion);
    }
    return assertions.every(({ holds }) => holds) ? 0 : 1;
  },
};

function printAssertion(terminal: Terminal, { from, to, holds, result }: Assertion): void {
  const sign = holds ? paint(terminal, "good", "✓") : paint(terminal, "error", "✗");
  const verdict = { proved: "proved", refuted: "does not hold", undecided: "not proved" }[result.isolated];
  terminal.out(`${sign} nothing from ${from} reaches ${to}: ${verdict}\n`);
  const shown = holds ? result.ways : result.ways.filter((way) => way.verdict !== "denied");
  printWays(terminal, shown);
}
