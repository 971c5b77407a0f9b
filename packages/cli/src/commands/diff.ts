import { diff as compare, type ProxyChange } from "@fairlead/simulator";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS } from "../command.ts";
import { readMesh } from "../mesh-input.ts";
import { destinationRecord, paint, printJson, printLeftOut } from "../output.ts";

/** Routes may be written in another way and mean the same; every other resource is behaviour itself. */
function differs({ behaviour, resources }: ProxyChange): boolean {
  return behaviour.length > 0 || resources.some(({ type }) => type !== "routes");
}

function record({ proxy, alike, resources, behaviour }: ProxyChange): object {
  return {
    proxy,
    alike,
    resources: resources.map(({ type, name, change }) => ({ type, name, change })),
    behaviour: behaviour.map(({ question, before, after, differs: parts }) => {
      const brief = ({ outcome, destinations, response, rewrites, policy }: typeof before) => ({
        outcome,
        destinations: destinations.map(destinationRecord),
        ...(response ? { response } : {}),
        rewrites,
        policy,
      });
      return { request: question.request, differs: parts, before: brief(before), after: brief(after) };
    }),
  };
}

function brief({ outcome, destinations, response }: ProxyChange["behaviour"][number]["before"]): string {
  const ways = destinations.map(
    ({ service, subset, share }) => `${Number((share * 100).toPrecision(4))} % ${service}${subset ? ` ${subset}` : ""}`,
  );
  return [outcome, ...ways, ...(response ? [String(response.status)] : [])].join(", ");
}

export const diff: Command = {
  summary: "Says what another configuration would change: proxies, resources, and requests whose fate differs.",
  usage: "-f OLD … --with NEW … [--mesh-config FILE] [--mesh-networks FILE] [-o json]",
  options: { ...MESH_OPTIONS, with: { type: "string", multiple: true } },
  required: ["file", "with"],
  async run(call, terminal) {
    const next = call.values.with as readonly string[];
    if (next.length === 0) throw new CliError("usage", "--with FILE or FOLDER is needed");
    const [before, after] = await Promise.all([readMesh(call, call.files, "assumed"), readMesh(call, next, "assumed")]);
    printLeftOut(terminal, [...before.diagnostics, ...after.diagnostics]);
    const changes = compare(before.mesh, after.mesh);
    const changed = changes.some(differs);
    if (call.json) printJson(terminal, { changed, proxies: changes.map(record) });
    else {
      for (const { proxy, alike, resources, behaviour } of changes) {
        terminal.out(`${paint(terminal, "bold", proxy)}${alike.length > 0 ? ` and ${alike.length} alike` : ""}\n`);
        for (const { type, name, change } of resources) terminal.out(`  ${change} ${type.slice(0, -1)} ${name}\n`);
        for (const { question, before: old, after: now } of behaviour) {
          const { method = "GET", url, headers = {} } = question.request;
          const fields = Object.entries(headers).map(([name, value]) => ` -H '${name}: ${value}'`);
          terminal.out(
            `  ${method} ${url}${fields.join("")}\n    ${paint(terminal, "error", "-")} ${brief(old)}\n    ${paint(terminal, "good", "+")} ${brief(now)}\n`,
          );
        }
      }
      if (!changed) terminal.out("no request is treated differently\n");
    }
    return changed ? 1 : 0;
  },
};
