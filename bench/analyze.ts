import { Analysis, analyze, analyzeExtra } from "@fairlead/analysis";
import { parseDocuments } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
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
  const fileOf = (index: number, text: string) =>
    [`app-${index}.yaml`, parseDocuments(text, { file: `app-${index}.yaml` }).documents] as const;
  const analysis = new Analysis();
  const all = cpu(() => {
    const files = Array.from({ length: applications }, (_, index) => fileOf(index, application(index)));
    analysis.update(files);
  });
  let changed = 0;
  const edit = (round: number) => {
    const index = (round * 7919) % applications;
    const text = application(index).replace("subset: v1}", `subset: v${round % 2 === 0 ? 3 : 4}}`);
    const { added, removed } = analysis.update([fileOf(index, text)]);
    changed += added.length + removed.length;
  };
  for (let round = 0; round < EDITS; round++) edit(round);
  const one = cpu(() => {
    for (let round = EDITS; round < 2 * EDITS; round++) edit(round);
  });
  const each = one / EDITS;
  return `one file edited ${each.toFixed(2)} ms of ${all.toFixed(0)} (1 : ${(all / each).toFixed(0)}), ${changed / (2 * EDITS)} findings changed by each`;
}
