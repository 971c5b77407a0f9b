import { type ConfigObject, KINDS, type KindName, validateDocument } from "@fairlead/config";
import { readJsonLines } from "../../packages/config/test/conformance.ts";

/** Every valid document of the conformance data, each under a name of its own in namespace `shop`. */
export function validObjects(): readonly ConfigObject[] {
  const names = Object.keys(KINDS) as KindName[];
  return names
    .flatMap((kind) => readJsonLines<{ doc: unknown }>(`validation/${kind}.jsonl`))
    .flatMap(({ doc }) => validateDocument(doc, { defaultNamespace: "default" }).object ?? [])
    .map((object, index) => ({
      ...object,
      metadata: { name: `object-${index}`, namespace: "shop", labels: { index: `${index}` }, annotations: { a: "b" } },
    }));
}
