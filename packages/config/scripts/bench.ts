/**
 * How fast configuration is read and validated: `node --expose-gc packages/config/scripts/bench.ts [documents]`.
 * Prints documents per second, memory per document, one edit against a full reading, and the longest time that reading a
 * large stream kept the event loop busy.
 */
import {
  authorizationPolicy,
  destinationRule,
  parseDocuments,
  printYaml,
  serviceEntry,
  sidecar,
  streamDocuments,
  textStore,
  validateObject,
} from "../src/index.ts";
import { splitRoute } from "./split-route.ts";

const COUNT = Number(process.argv[2] ?? 10_000);

const MAKERS = [
  splitRoute,
  (name: string) =>
    destinationRule(name, {
      host: name,
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } }, outlierDetection: { interval: "10s" } },
      subsets: [
        { name: "v1", labels: { version: "v1" } },
        { name: "v2", labels: { version: "v2" } },
      ],
    }),
  (name: string) =>
    serviceEntry(name, {
      hosts: [`${name}.external.com`],
      ports: [{ number: 443, name: "tls", protocol: "TLS" }],
      resolution: "DNS",
    }),
  (name: string) =>
    authorizationPolicy(name, {
      selector: { matchLabels: { app: name } },
      rules: [
        {
          from: [{ source: { principals: ["cluster.local/ns/default/sa/web"] } }],
          to: [{ operation: { methods: ["GET"], paths: ["/api/*"] } }],
        },
      ],
    }),
  (name: string) => sidecar(name, { egress: [{ hosts: ["./*", "istio-system/*"] }] }),
];

const objects = Array.from({ length: COUNT }, (_, index) => MAKERS[index % MAKERS.length]?.(`svc-${index}`)).flatMap(
  (object) => object ?? [],
);
const texts = Object.fromEntries(objects.map((object) => [`${object.metadata.name}.yaml`, printYaml(object)]));
const stream = Object.values(texts).join("---\n");

function time(label: string, run: () => void): number {
  run();
  const start = performance.now();
  run();
  const milliseconds = performance.now() - start;
  process.stdout.write(
    `${label.padEnd(44)} ${milliseconds.toFixed(0).padStart(7)} ms ${((COUNT / milliseconds) * 1000).toFixed(0).padStart(8)} documents/s\n`,
  );
  return milliseconds;
}

process.stdout.write(`${COUNT} documents, ${(stream.length / 1e6).toFixed(1)} MB of YAML\n`);
time("validate objects", () => {
  for (const object of objects)
    if (validateObject(object).length > 0) throw new Error(`${object.metadata.name} is not valid`);
});
time("parse and validate YAML", () => void parseDocuments(stream, { file: "all.yaml" }));

globalThis.gc?.();
const before = process.memoryUsage().heapUsed;
const store = textStore();
const full = time("fill a store, a file a document", () => store.set(texts));
globalThis.gc?.();
if (globalThis.gc)
  process.stdout.write(
    `memory per document ${((process.memoryUsage().heapUsed - before) / COUNT / 1024).toFixed(1)} KiB\n`,
  );

const EDITS = 200;
const start = performance.now();
for (let edit = 0; edit < EDITS; edit++) {
  const name = "svc-0.yaml";
  store.set({ [name]: (texts[name] ?? "").replace("5s", `${edit + 6}s`) });
}
const each = (performance.now() - start) / EDITS;
process.stdout.write(
  `one edit among ${COUNT} files: ${each.toFixed(2)} ms, ${(full / each).toFixed(0)} times faster than all\n`,
);

let longest = 0;
let last = performance.now();
const ticker = setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);
let read = 0;
for await (const { documents } of streamDocuments(stream, { file: "all.yaml" })) read += documents.length;
clearInterval(ticker);
process.stdout.write(`stream ${read} documents: the event loop waited ${longest.toFixed(0)} ms at most\n`);
