import { printAnalysis } from "./analyze.ts";
import { printBadInput } from "./ca/bad-input.ts";
import { printCertificates } from "./ca/main.ts";
import { printConfigSharing } from "./config-sharing.ts";
import { type DiscoveryResult, measureDiscovery, PEERS } from "./discovery.ts";
import { printEdit } from "./edit.ts";
import { printFolder } from "./folder.ts";
import { printGrowth } from "./growth.ts";
import { printSimulation } from "./simulate.ts";
import { printStream } from "./stream.ts";
import { printTranslation } from "./translate.ts";

/**
 * `pnpm bench`: what is measured, beside a peer. Times of one run on one machine; the ratios are what counts. `--quick`: 50
 * clients only. `--profile DIR`: each server writes a CPU profile there when it ends.
 * `pnpm bench simulate`: evaluations a second of the simulator.
 * `pnpm bench edit [SERVICES]`: one VirtualService edited, beside a cold start.
 * `pnpm bench growth`: time and memory a service and a view, from 100 to 10,000 services.
 * `pnpm bench folder [FILES]`: one edit in a watched folder.
 * `pnpm bench stream [DOCUMENTS]`: one text of 100,000 documents read, validated and indexed: how long the event loop waits.
 * `pnpm bench analyze [DOCUMENTS]`: reading, validation and analysis of mixed documents.
 * `pnpm bench config-sharing [OBJECTS]`: configuration over xDS from one control plane to another.
 * `pnpm bench ca`: certificates a second of CPU, beside OpenSSL and Go (needs both). `bad-input`: bad requests with their verdicts.
 * `pnpm bench translate [scenario [type]]`: the inputs of Istio's own benchmarks, one proxy, beside what Istio takes.
 */

if (process.argv[2] === "simulate") printSimulation();
else if (process.argv[2] === "translate") await printTranslation(process.argv[3], process.argv[4]);
else if (process.argv[2] === "edit") await printEdit(Number(process.argv[3] ?? 1000));
else if (process.argv[2] === "growth") await printGrowth();
else if (process.argv[2] === "folder") await printFolder(Number(process.argv[3] ?? 1000));
else if (process.argv[2] === "stream") await printStream(Number(process.argv[3] ?? 100_000));
else if (process.argv[2] === "analyze") printAnalysis(Number(process.argv[3] ?? 10_000));
else if (process.argv[2] === "config-sharing") await printConfigSharing(Number(process.argv[3] ?? 10_000));
else if (process.argv[2] === "ca") await printCertificates();
else if (process.argv[2] === "bad-input") await printBadInput();
else await benchDiscovery();

async function benchDiscovery(): Promise<void> {
  const quick = process.argv.includes("--quick");
  const profile = process.argv.includes("--profile") ? process.argv[process.argv.indexOf("--profile") + 1] : undefined;
  const runs = quick
    ? [{ mode: "delta" as const, clients: 50 }]
    : (["delta", "sotw"] as const).flatMap((mode) => [1, 500].map((clients) => ({ mode, clients })));

  const results: DiscoveryResult[] = [];
  for (const { mode, clients } of runs) {
    console.error(`${clients} clients, ${mode}: 1,000 services × 10 endpoints …`);
    const nodeOptions = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
    results.push(await measureDiscovery({ mode, clients, nodeOptions }));
  }

  const columns = [
    "mode",
    "clients",
    "synced",
    "CPU s",
    "peak MiB",
    "wall s",
    "change p50 ms",
    "p99 ms",
    "change CPU s",
    "CPU : istiod",
    "memory : istiod",
  ];
  const rows = results.map(({ mode, clients, synced, cpu, peak, wall, pushP50, pushP99, pushCpu }) => [
    mode,
    String(clients),
    String(synced),
    cpu.toFixed(2),
    peak.toFixed(0),
    wall.toFixed(2),
    pushP50.toFixed(0),
    pushP99.toFixed(0),
    pushCpu.toFixed(3),
    clients === 500 ? `${(cpu / PEERS.istiod.cpu).toFixed(3)}x` : "",
    clients === 500 ? `${(peak / PEERS.istiod.peak).toFixed(3)}x` : "",
  ]);
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of [columns, ...rows]) console.log(row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join("  "));
}
