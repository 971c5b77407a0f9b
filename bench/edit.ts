import { type ConfigObject, isKind } from "@fairlead/config";
import type { Mesh } from "@fairlead/mesh";
import { objectKey } from "@fairlead/model";
import { createMeshSource } from "@fairlead/xds";
import { meshInMemory } from "./mesh.ts";
import { everything, openSidecar } from "./sidecar.ts";

const milliseconds = (runs: number, run: () => void): number => {
  const { user, system } = process.cpuUsage();
  for (let index = 0; index < runs; index++) run();
  const spent = process.cpuUsage({ user, system });
  return (spent.user + spent.system) / 1000 / runs;
};

/** The VirtualService with another timeout in its first route. */
function edited(object: ConfigObject<"VirtualService">, seconds: number): ConfigObject<"VirtualService"> {
  const [first, ...others] = object.spec.http ?? [];
  return { ...object, spec: { ...object.spec, http: [{ ...first, timeout: `${seconds}s` }, ...others] } };
}

/**
 * `pnpm bench edit [SERVICES]`: what a sidecar costs that connects to a mesh of which nothing is known yet, and what one edit of
 * a VirtualService costs while it is connected: the new mesh, what is derived again, all four types looked at. CPU of the whole
 * process, collection included; both in turns, so that the load of the machine is on both.
 */
export async function printEdit(services: number): Promise<void> {
  const first = await meshInMemory(services, 10);
  const objects = [...first.objects("VirtualService")].filter((object) => isKind(object, "VirtualService"));
  const source = createMeshSource(first);
  const sidecar = openSidecar(source, "ns-0", "zone0");
  everything(sidecar);
  let mesh: Mesh = first;
  let edits = 0;
  const edit = () => {
    const index = edits++ % objects.length;
    const previous = objects[index] as ConfigObject<"VirtualService">;
    const value = edited(previous, (edits % 50) + 1);
    objects[index] = value;
    mesh = mesh.apply({ config: [{ key: objectKey({ kind: value.kind, ...value.metadata }), value, previous }] });
    source.update(mesh);
    everything(sidecar);
  };
  const cold = () => {
    const fresh = createMeshSource(first);
    const opened = openSidecar(fresh, "ns-0", "zone0");
    everything(opened);
    opened.close();
  };
  milliseconds(5, cold);
  milliseconds(100, edit);
  const rounds = Array.from({ length: 6 }, () => [milliseconds(3, cold), milliseconds(60, edit)] as const);
  const mean = (at: 0 | 1) => rounds.reduce((sum, round) => sum + round[at], 0) / rounds.length;
  const [whole, one] = [mean(0), mean(1)];
  console.log(
    `${services} services, ${objects.length} VirtualServices: cold ${whole.toFixed(1)} ms, one edit ${one.toFixed(2)} ms of CPU: ${(whole / one).toFixed(0)} times less`,
  );
}
