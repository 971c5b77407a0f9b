import { createMeshSource } from "@fairlead/xds";
import { inUse } from "./memory.ts";
import { meshInMemory } from "./mesh.ts";
import { bytesOf, everything, openSidecar } from "./sidecar.ts";

const SIZES = [100, 300, 1_000, 3_000, 10_000];
const ENDPOINTS = 10;

function milliseconds(run: () => void): number {
  const { user, system } = process.cpuUsage();
  run();
  const spent = process.cpuUsage({ user, system });
  return (spent.user + spent.system) / 1000;
}

/**
 * `pnpm bench growth`: how time and memory grow with what a view can see. For each size: the mesh; the first sidecar of it, for which
 * everything is made; one of another zone and namespace, which shares what does not differ; a hundred more like the first.
 */
export async function printGrowth(): Promise<void> {
  console.log(
    "| services | mesh KiB/service | first view ms | µs/service | KiB/service | sent KiB/service | second view µs/service | KiB/service | 100 like the first µs/view | KiB/view |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
  );
  // So that the first size is not the one for which the code is compiled.
  const warm = createMeshSource(await meshInMemory(300, ENDPOINTS));
  for (let run = 0; run < 5; run++) everything(openSidecar(warm, `ns-${run}`, "zone0"));
  for (const services of SIZES) {
    const empty = inUse();
    const mesh = await meshInMemory(services, ENDPOINTS);
    const withMesh = inUse();
    const source = createMeshSource(mesh);
    const sidecar = openSidecar(source, "ns-0", "zone0");
    const views = [sidecar];
    const first = milliseconds(() => void everything(sidecar));
    const withFirst = inUse();
    const second = milliseconds(() => {
      const opened = openSidecar(source, "ns-1", "zone1");
      views.push(opened);
      everything(opened);
    });
    const withSecond = inUse();
    const more = milliseconds(() => {
      for (let index = 0; index < 100; index++) {
        const opened = openSidecar(source, "ns-0", "zone0");
        views.push(opened);
        everything(opened);
      }
    });
    const withAll = inUse();
    const kib = (more: number, less: number, of: number) => ((more - less) / 1024 / of).toFixed(2);
    console.log(
      `| ${[
        services,
        kib(withMesh, empty, services),
        first.toFixed(0),
        ((first * 1000) / services).toFixed(0),
        kib(withFirst, withMesh, services),
        kib(bytesOf(sidecar), 0, services),
        ((second * 1000) / services).toFixed(0),
        kib(withSecond, withFirst, services),
        ((more * 1000) / 100).toFixed(0),
        kib(withAll, withSecond, 100),
      ].join(" | ")} |`,
    );
    for (const view of views) view.close();
  }
}
