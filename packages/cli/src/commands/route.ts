import { evaluate } from "@fairlead/simulator";
import { type Command, MESH_OPTIONS, parseHeaders } from "../command.ts";
import { readMesh } from "../mesh-input.ts";
import { destinationRecord, printJson, printLeftOut } from "../output.ts";
import { asUsage } from "../simulated.ts";

export const route: Command = {
  summary: "Says where a request goes, and why: every rule that was tried.",
  usage:
    "-f FILE|FOLDER … --from WORKLOAD.NAMESPACE [--method M] [-H 'k: v'] … [--mesh-config FILE] [--mesh-networks FILE] URL [-o json]",
  options: {
    ...MESH_OPTIONS,
    from: { type: "string" },
    method: { type: "string" },
    header: { type: "string", short: "H", multiple: true },
  },
  required: ["from"],
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const headers = parseHeaders(call);
    const input = await readMesh(call, call.files, "assumed");
    printLeftOut(terminal, input.diagnostics);
    const method = call.text("method");
    const answer = asUsage(() =>
      evaluate(input.mesh, {
        from: call.text("from") ?? "",
        request: { url: call.positionals[0] ?? "", headers, ...(method === undefined ? {} : { method }) },
      }),
    );
    const { outcome, response, rewrites, trace } = answer;
    if (call.json)
      printJson(terminal, {
        outcome,
        destinations: answer.destinations.map(destinationRecord),
        ...(response ? { response } : {}),
        rewrites,
        trace,
      });
    else terminal.out(`${answer.explain()}\n`);
    return 0;
  },
};
