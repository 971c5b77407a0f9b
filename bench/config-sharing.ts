import { destinationRule, memoryStore } from "@fairlead/config";
import { createDiscoveryServer } from "@fairlead/xds";
import { createConfigSource, xdsConfigStore } from "@fairlead/xds/config";

async function cpu<T>(run: () => Promise<T>): Promise<{ readonly cpu: number; readonly wall: number }> {
  const [before, begun] = [process.cpuUsage(), performance.now()];
  await run();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, wall: performance.now() - begun };
}

/** A store is given on to a second control plane over a socket, in one process: until all is there, and one change. */
export async function printConfigSharing(count: number): Promise<void> {
  const rule = (index: number, host: string) =>
    destinationRule(`rule-${index}`, { host, subsets: [{ name: "v1", labels: { version: "v1" } }] });
  const store = memoryStore(Array.from({ length: count }, (_, index) => rule(index, "a.example.com")));
  for (const mode of ["sotw", "delta"] as const) {
    let made: ReturnType<typeof createConfigSource> | undefined;
    const encoding = await cpu(async () => {
      made = createConfigSource(store);
    });
    if (!made) return;
    const server = createDiscoveryServer(made);
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    const opened: { received?: ReturnType<typeof xdsConfigStore> } = {};
    const all = await cpu(async () => {
      opened.received = xdsConfigStore({ address, mode });
      await opened.received.ready;
    });
    const costs: { cpu: number; wall: number }[] = [];
    for (let edit = 0; edit < 10; edit++)
      costs.push(
        await cpu(async () => {
          const told = Promise.withResolvers<void>();
          const stop = opened.received?.subscribe(() => told.resolve());
          store.put(rule(edit * 7, `${mode}-${edit}.example.com`));
          await told.promise;
          stop?.();
        }),
      );
    costs.sort((a, b) => a.cpu - b.cpu);
    const { cpu: edit = 0, wall = 0 } = costs[5] ?? {};
    process.stdout.write(
      `${count} objects, ${mode}: encoded in ${encoding.cpu.toFixed(0)} ms, received in ${all.wall.toFixed(0)} ms, ${all.cpu.toFixed(0)} ms of CPU on both sides; one change ${wall.toFixed(1)} ms, ${edit.toFixed(1)} ms of CPU\n`,
    );
    opened.received?.close();
    made.close();
    await server.close();
  }
}
