import type { Mesh } from "@fairlead/mesh";
import { formatDiagnostic, type ProxyNode } from "@fairlead/model";
import { type Answer, evaluate, type Locate, meshFromYaml, SimulatorError, type TraceStep } from "@fairlead/simulator";
import { proxiesOf } from "./proxies.ts";
import { routeTable } from "./route-table.ts";

/** The page: what is typed on the left becomes a mesh, which answers the question on the right. */

function part<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`there is no ${type.name} #${id}`);
}

const yaml = part("yaml", HTMLTextAreaElement);
const from = part("from", HTMLSelectElement);
const method = part("method", HTMLSelectElement);
const url = part("url", HTMLInputElement);
const headers = part("headers", HTMLTextAreaElement);
const misses = part("misses", HTMLInputElement);
const status = part("status", HTMLParagraphElement);
const outcome = part("outcome", HTMLParagraphElement);
const diagnosticList = part("diagnostics", HTMLOListElement);
const trace = part("trace", HTMLOListElement);

function element(tag: string, text: string, ...children: readonly Node[]): HTMLElement {
  const made = document.createElement(tag);
  made.append(text, ...children);
  return made;
}

/** Shows a line of the YAML. */
function goTo(line: number): void {
  const lines = yaml.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  yaml.focus();
  yaml.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  yaml.scrollTop = Math.max(0, (line - 5) * 18);
}

function place(line: number, text: string): HTMLElement {
  const link = element("button", text);
  link.className = "place";
  link.dataset.line = String(line);
  link.setAttribute("type", "button");
  link.addEventListener("click", () => goTo(line));
  return link;
}

function fill(id: string, rows: readonly (readonly (string | Node)[])[]): void {
  const body = part(id, HTMLTableElement).tBodies[0];
  body?.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      for (const cell of cells) row.insertCell().append(cell);
      return row;
    }),
  );
}

interface Loaded {
  readonly mesh: Mesh;
  readonly locate: Locate;
  readonly proxies: ReadonlyMap<string, ProxyNode>;
}
let loaded: Loaded | undefined;

function load(): void {
  const started = performance.now();
  const { mesh, locate, diagnostics } = meshFromYaml([{ file: "mesh.yaml", text: yaml.value }]);
  loaded = { mesh, locate, proxies: proxiesOf(mesh) };
  diagnosticList.replaceChildren(
    ...diagnostics.map((diagnostic) => {
      const line = diagnostic.position?.line;
      const text = formatDiagnostic(diagnostic);
      return element("li", "", line === undefined ? new Text(text) : place(line, text));
    }),
  );
  const chosen = from.value;
  from.replaceChildren(...[...loaded.proxies.keys()].sort().map((name) => new Option(name)));
  if (loaded.proxies.has(chosen)) from.value = chosen;
  ask();
  status.textContent = `translated and asked in ${(performance.now() - started).toFixed(0)} ms`;
}

function ask(): void {
  const node = loaded?.proxies.get(from.value);
  if (!loaded || !node) {
    say("There is no workload in this mesh.");
    return;
  }
  fill(
    "routes",
    routeTable(loaded.mesh, node, loaded.locate).map(({ port, host, match, action, line }) => [
      port,
      host,
      line === undefined ? match : place(line, match),
      action,
    ]),
  );
  try {
    const request = { url: url.value, method: method.value, headers: headersOf(headers.value) };
    show(evaluate(loaded.mesh, { from: node, request }));
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    say(error.message);
  }
}

function say(message: string): void {
  outcome.textContent = message;
  outcome.dataset.outcome = "unroutable";
  fill("destinations", []);
  trace.replaceChildren();
}

function headersOf(text: string): Readonly<Record<string, string>> {
  const entries = text.split("\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
  });
  return Object.fromEntries(entries);
}

const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`;

function show(answer: Answer): void {
  const { response, rewrites } = answer;
  const said = [
    answer.outcome,
    ...(response ? [`${response.status} by ${response.by} (${percent(response.share)})`] : []),
    ...(response?.headers?.location ? [`to ${response.headers.location}`] : []),
    ...(rewrites.path === undefined ? [] : [`path becomes ${rewrites.path}`]),
    ...(rewrites.host === undefined ? [] : [`host becomes ${rewrites.host}`]),
  ];
  outcome.textContent = said.join(", ");
  outcome.dataset.outcome = answer.outcome;
  fill(
    "destinations",
    answer.destinations.map(({ share, service, subset, cluster, endpoints }) => [
      percent(share),
      service || cluster,
      subset,
      endpoints.map(({ address }) => address).join(", "),
    ]),
  );
  // Of filter chains that lost to a better one there is little to tell.
  const won = new Set(answer.trace.filter(({ reason }) => reason === "matches best").map(({ step }) => step));
  const shown = answer.trace.filter(({ matched, step }) => matched || (misses.checked && !won.has(step)));
  trace.replaceChildren(...shown.map(stepItem));
}

/** Requests that show what there is to see. */
const EXAMPLES: Readonly<
  Record<string, { readonly url: string; readonly method?: string; readonly headers?: string }>
> = {
  everybody: { url: "http://reviews:9080/" },
  jason: { url: "http://reviews:9080/", headers: "end-user: jason" },
  "a redirect": { url: "http://reviews:9080/old/page" },
  "what no policy allows": { url: "http://reviews:9080/", method: "DELETE" },
  "a wrong port": { url: "http://reviews/" },
};

for (const [name, example] of Object.entries(EXAMPLES)) {
  const button = element("button", name);
  button.setAttribute("type", "button");
  button.addEventListener("click", () => {
    url.value = example.url;
    method.value = example.method ?? "GET";
    headers.value = example.headers ?? "";
    ask();
  });
  part("examples", HTMLSpanElement).append(button);
}

function stepItem({ step, rule, matched, reason, source }: TraceStep): HTMLElement {
  const item = element("li", "", element("b", matched ? "✓ " : "✗ "), new Text(`${step} ${rule}: ${reason} `));
  item.className = matched ? "hit" : "miss";
  if (source?.line !== undefined)
    item.append(place(source.line, `${source.object} ${source.path} (line ${source.line})`));
  return item;
}

let soon: ReturnType<typeof setTimeout> | undefined;
yaml.addEventListener("input", () => {
  clearTimeout(soon);
  soon = setTimeout(load, 150);
});
for (const field of [from, method, misses]) field.addEventListener("change", ask);
part("question", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
load();
