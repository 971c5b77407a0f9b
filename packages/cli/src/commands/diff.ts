import { diff as compare, type ProxyChange } from "@fairlead/simulator";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS, type Terminal } from "../command.ts";
import { readMesh } from "../mesh-input.ts";
import { destinationRecord, paint, printJson, printLeftOut } from "../output.ts";

/** Resources may differ and mean the same, or lead nowhere. */
function differs({ behaviour, resources }: ProxyChange): boolean {
  return behaviour.length > 0 || resources.some(({ effect }) => effect !== "none");
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
    ({ service, cluster, subset, share }) =>
      `${Number((share * 100).toPrecision(4))} % ${service || cluster}${subset ? ` ${subset}` : ""}`,
  );
  return [outcome, ...ways, ...(response ? [String(response.status)] : [])].join(", ");
}

const TYPES = { listeners: "listener", routes: "route", clusters: "cluster", endpoints: "endpoints" } as const;

type Behaviour = ProxyChange["behaviour"][number];

function printChange(terminal: Terminal, { question, before, after, differs: parts, settings }: Behaviour): void {
  const [less, more] = [paint(terminal, "error", "-"), paint(terminal, "good", "+")];
  terminal.out(`  ${requestWords(question)}\n`);
  const [old, now] = [brief(before), brief(after)];
  if (old !== now) terminal.out(`    ${less} ${old}\n    ${more} ${now}\n`);
  for (const part of ["rewrites", "policy"] as const)
    if (parts.includes(part) && before.outcome === after.outcome)
      terminal.out(
        `    ${less} ${part} ${JSON.stringify(before[part])}\n    ${more} ${part} ${JSON.stringify(after[part])}\n`,
      );
  for (const { place, name, path, before: was, after: is } of settings)
    terminal.out(
      `    ${[place, name, path.slice(1).replaceAll("/", ".")].filter(Boolean).join(" ")}: ${short(was)} → ${short(is)}\n`,
    );
}

function requestWords({ request, at, inbound, client }: Behaviour["question"]): string {
  const { method = "GET", url, headers = {}, claims } = request;
  const http = !/^(tcp|tls):/.test(url);
  return [
    ...(http ? [method] : []),
    url,
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(claims ? [`with a token of ${JSON.stringify(claims)}`] : []),
    ...(inbound
      ? [inbound.peer === undefined ? "coming in without mutual TLS" : `coming in from ${inbound.peer}`]
      : []),
    ...(at === undefined ? [] : [`at ${at}`]),
    ...(client === undefined ? [] : [`by ${client}`]),
  ].join(" ");
}

function short(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
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
        for (const { type, name, change, effect, because } of resources) {
          const why =
            effect === "behaviour"
              ? ""
              : paint(terminal, "dim", `  (${effect === "none" ? "changes nothing: " : ""}${because})`);
          terminal.out(`  ${change} ${TYPES[type]} ${name}${why}\n`);
        }
        for (const change of behaviour) printChange(terminal, change);
      }
      if (!changed) terminal.out("no request is treated differently\n");
    }
    return changed ? 1 : 0;
  },
};
