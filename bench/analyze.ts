import { Analysis, analyze, analyzeExtra, extraFindings } from "@fairlead/analysis";
import { parseDocuments } from "@fairlead/config";
import { Derivations, Mesh } from "@fairlead/mesh";
import { inUse } from "./memory.ts";

/** One application: a VirtualService, its DestinationRule, Service and Pod, and a policy. */
function application(index: number): string {
  const [name, namespace] = [`app-${index}`, `ns-${index % 50}`];
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  hosts: [${name}]
  http:
  - match: [{uri: {prefix: /v2}}]
    route: [{destination: {host: ${name}, subset: v2}}]
  - route: [{destination: {host: ${name}, subset: v1}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: ${namespace}}
spec: {host: ${name}, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}, version: v1}}
spec: {containers: [{name: app, image: app}, {name: istio-proxy, image: istio/proxyv2}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {matchLabels: {app: ${name}}}, rules: [{to: [{operation: {methods: [GET]}}]}]}
`;
}

/** Milliseconds of CPU. */
function cpu(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Documents a second of CPU through reading with validation, analysis and our own rules, at a size and at four times it; bytes a
 * document (without its text) that are held after reading, and more after analysis.
 */
export function printAnalysis(documents: number): void {
  for (const count of [documents, 4 * documents]) {
    const text = Array.from({ length: count / 5 }, (_, index) => application(index)).join("---\n");
    parseDocuments(text.slice(0, text.indexOf("\n---\n", text.length / 10)), { file: "warm.yaml" });
    let read = parseDocuments("", { file: "all.yaml" }).documents;
    const before = inUse();
    const reading = cpu(() => {
      read = parseDocuments(text, { file: "all.yaml" }).documents;
    });
    const afterReading = inUse();
    let found: ReturnType<typeof analyze> = [];
    const analyzing = cpu(() => {
      found = analyze(read);
    });
    const afterAnalysis = inUse();
    const edits = editsOf(count / 5);
    const mesh = Mesh.of({ meshConfig: {}, config: read.flatMap(({ object }) => object ?? []) });
    const extra = cpu(() => analyzeExtra(mesh, read));
    const rate = (milliseconds: number) =>
      `${milliseconds.toFixed(0)} ms, ${((read.length / milliseconds) * 1000).toFixed(0)} a second`;
    const held = (bytes: number) => `${(bytes / read.length).toFixed(0)} bytes a document`;
    process.stdout.write(
      `${read.length} documents: read and validated ${rate(reading)}, holds ${held(afterReading - before)}; analysed ${rate(analyzing)} (${found.length} findings), holds ${held(afterAnalysis - afterReading)} more; rules beyond Istio's ${rate(extra)}; ${edits}\n`,
    );
  }
}

/** Edits that are measured together. */
const EDITS = 50;

/** A file for each application; one gets another VirtualService, again and again, and is read, validated and analysed with all that depends on it. */
function editsOf(applications: number): string {
  const fileOf = (index: number, text: string) => parseDocuments(text, { file: `app-${index}.yaml` }).documents;
  const routeOf = (documents: ReturnType<typeof fileOf>) => documents.flatMap(({ object }) => object ?? [])[0];
  const analysis = new Analysis();
  const files = new Map<number, ReturnType<typeof fileOf>>();
  const all = cpu(() => {
    for (let index = 0; index < applications; index++) files.set(index, fileOf(index, application(index)));
    analysis.update([...files].map(([index, documents]) => [String(index), documents]));
  });
  let mesh = Mesh.of({
    meshConfig: {},
    config: [...files.values()].flatMap((documents) => documents.flatMap(({ object }) => object ?? [])),
  });
  const derivations = new Derivations(mesh);
  const allExtra = cpu(() => extraFindings(derivations, () => undefined));
  let [changed, extra] = [0, 0];
  const edit = (round: number) => {
    const index = (round * 7919) % applications;
    const previous = routeOf(files.get(index) ?? []);
    const documents = fileOf(index, application(index).replace("subset: v1}", `subset: v${3 + (round % 2)}}`));
    files.set(index, documents);
    const { added, removed } = analysis.update([[String(index), documents]]);
    changed += added.length + removed.length;
    extra += cpu(() => {
      mesh = mesh.apply({ config: [{ key: String(index), value: routeOf(documents), previous }] });
      derivations.advance(mesh);
      extraFindings(derivations, () => undefined);
    });
  };
  for (let round = 0; round < EDITS; round++) edit(round);
  extra = 0;
  const whole = cpu(() => {
    for (let round = EDITS; round < 2 * EDITS; round++) edit(round);
  });
  const told = (full: number, one: number) =>
    `${one.toFixed(2)} ms of ${full.toFixed(0)} (1 : ${(full / one).toFixed(0)})`;
  return `one file edited ${told(all, (whole - extra) / EDITS)}, ${changed / (2 * EDITS)} findings changed by each; beyond Istio's ${told(allExtra, extra / EDITS)}`;
}
