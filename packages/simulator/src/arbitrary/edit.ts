import fc from "fast-check";
import { type GeneratedMesh, generatedMesh, meshes } from "./mesh.ts";

/** A mesh, and what becomes of it by an edit. */
export interface GeneratedEdit {
  readonly before: GeneratedMesh;
  readonly after: GeneratedMesh;
  /** Which objects were put in, taken out or changed: `Kind/name`. None: only the order of the objects is another. */
  readonly edited: readonly string[];
}

/** Pairs of meshes that differ in one object or two, or in the order of their objects only. */
export function edits(): fc.Arbitrary<GeneratedEdit> {
  return fc
    .record({
      before: meshes(),
      other: meshes(),
      // Which of the other mesh's objects are taken over, and which of the first are left out.
      taken: fc.array(fc.nat(), { maxLength: 2 }),
      dropped: fc.array(fc.nat(), { maxLength: 1 }),
      turned: fc.boolean(),
    })
    .map(({ before, other, taken, dropped, turned }): GeneratedEdit => {
      const key = ({ kind, metadata }: GeneratedMesh["objects"][number]) => `${kind}/${metadata.name}`;
      const variable = (mesh: GeneratedMesh) =>
        mesh.objects.filter(({ kind, spec }) => spec && !["Service", "Pod", "ServiceEntry", "Gateway"].includes(kind));
      const pick = (mesh: GeneratedMesh, index: number) => {
        const all = variable(mesh);
        return all[index % Math.max(1, all.length)];
      };
      const next = new Map(before.objects.map((one) => [key(one), one]));
      for (const index of dropped) {
        const gone = pick(before, index);
        if (gone && gone.kind !== "DestinationRule") next.delete(key(gone));
      }
      for (const index of taken) {
        const one = pick(other, index);
        if (one) next.set(key(one), one);
      }
      const old = new Map(before.objects.map((one) => [key(one), one]));
      const edited = [...new Set([...old.keys(), ...next.keys()])].filter(
        (name) => JSON.stringify(old.get(name)) !== JSON.stringify(next.get(name)),
      );
      const objects = [...next.values()];
      return { before, after: generatedMesh(turned ? objects.reverse() : objects), edited };
    });
}
