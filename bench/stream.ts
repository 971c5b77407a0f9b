import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import {
  authorizationPolicy,
  type ConfigObject,
  destinationRule,
  printYaml,
  serviceEntry,
  streamDocuments,
} from "@fairlead/config";
import { directoryStore } from "@fairlead/config/directory";
import { MemoryCollection, objectKey } from "@fairlead/model";
import { splitRoute } from "../packages/config/scripts/split-route.ts";

/** Objects of four kinds with about 525 characters of YAML each, so that 100,000 are 50 MB. */
const KINDS: readonly ((name: string) => ConfigObject)[] = [
  splitRoute,
  (name) =>
    destinationRule(name, {
      host: name,
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 100 } }, outlierDetection: { interval: "10s" } },
      subsets: ["v1", "v2", "v3"].map((version) => ({ name: version, labels: { app: name, version } })),
    }) as ConfigObject,
  (name) =>
    serviceEntry(name, {
      hosts: [`${name}.external.example.com`],
      ports: [
        { number: 443, name: "tls", protocol: "TLS" },
        { number: 80, name: "http", protocol: "HTTP" },
      ],
      resolution: "STATIC",
      endpoints: ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((address) => ({
        address,
        labels: { app: name, version: "v1" },
      })),
    }) as ConfigObject,
  (name) =>
    authorizationPolicy(name, {
      selector: { matchLabels: { app: name } },
      rules: ["web", "shop"].map((account) => ({
        from: [{ source: { principals: [`cluster.local/ns/default/sa/${account}`] } }],
        to: [{ operation: { methods: ["GET", "HEAD"], paths: ["/api/*", "/health"] } }],
      })),
    }) as ConfigObject,
];

function yamlOf(count: number): string {
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const make = KINDS[index % KINDS.length];
    if (make) texts.push(printYaml(make(`object-${index}`)));
  }
  return texts.join("---\n");
}

interface Waits {
  /** Longest that a timer had to wait (`monitorEventLoopDelay`), in milliseconds. */
  readonly longest: number;
  readonly p99: number;
  /** Longest pause for garbage collection, in milliseconds. */
  readonly collection: number;
  /** Between two turns of the event loop: by the wall clock, and what the main thread computed meanwhile. */
  readonly gap: number;
  readonly computed: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Milliseconds of CPU of this thread: what others on the machine take is not in it. */
function threadCpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** How long the event loop was kept from other work while `run` ran, by the wall clock. */
async function waits(run: () => Promise<void>): Promise<Waits> {
  globalThis.gc?.();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let collection = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collection = Math.max(collection, duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  let [gap, computed] = [0, 0];
  let running = true;
  let [last, lastCpu] = [performance.now(), threadCpu()];
  const turn = () => {
    const [now, cpu] = [performance.now(), threadCpu()];
    gap = Math.max(gap, now - last);
    computed = Math.max(computed, cpu - lastCpu);
    [last, lastCpu] = [now, cpu];
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  const [start, before] = [performance.now(), process.cpuUsage()];
  delay.enable();
  await run();
  // The wait of whoever came last counts too.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delay.disable();
  running = false;
  observer.disconnect();
  const { user, system } = process.cpuUsage(before);
  return {
    longest: delay.max / 1e6,
    p99: delay.percentile(99) / 1e6,
    collection,
    gap,
    computed,
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** One text of many documents is read, validated and indexed: how long other work has to wait meanwhile. */
export async function printStream(count: number): Promise<void> {
  const text = yamlOf(count);
  const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
  try {
    const file = join(folder, "all.yaml");
    await writeFile(file, text);
    const rows: readonly (readonly [string, () => Promise<void>])[] = [
      [
        "streamDocuments into a collection",
        async () => {
          const objects = new MemoryCollection<ConfigObject>();
          for await (const { documents } of streamDocuments(text, { file }))
            for (const { kind, namespace, name, object } of documents)
              if (object) objects.set(objectKey({ kind, namespace, name }), object);
          if (objects.size !== count) throw new Error(`${objects.size} of ${count} documents were valid`);
        },
      ],
      [
        "directoryStore, one file",
        async () => {
          await using store = directoryStore(file);
          await store.ready;
          const found = [...store.keys()].length;
          if (found !== count) throw new Error(`${found} of ${count} documents are in the store`);
        },
      ],
    ];
    console.log(`${count} documents, ${(text.length / 1e6).toFixed(1)} MB; milliseconds that other work waited`);
    console.log(
      "| | longest turn, CPU | longest turn | longest wait | 99 % under | longest collection | CPU s | wall s |",
    );
    console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (const [name, run] of rows) {
      const { computed, gap, longest, p99, collection, cpuSeconds, seconds } = await waits(run);
      const cells = [computed, gap, longest, p99, collection, cpuSeconds, seconds].map((value) => value.toFixed(1));
      console.log(`| ${name} | ${cells.join(" | ")} |`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
