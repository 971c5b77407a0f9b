import { Derivations, type Mesh, type Query } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import type { Generated, Generator } from "../../packages/xds/src/translate/generated.ts";
import { RESOURCE_TYPES, type ResourceType } from "./normalise.ts";

const FOLDERS: Readonly<Record<ResourceType, string>> = {
  clusters: "cluster",
  endpoints: "endpoint",
  listeners: "listener",
  routes: "route",
};

async function generatorOf(type: ResourceType): Promise<Generator | undefined> {
  const folder = FOLDERS[type];
  try {
    const module = await import(
      new URL(`../../packages/xds/src/translate/${folder}/generator.ts`, import.meta.url).href
    );
    return module[`${folder}Generator`] as Generator;
  } catch (error) {
    if (process.env.CASE) console.warn(`${type}: ${error}`);
    return undefined;
  }
}

export type Made = Readonly<Record<ResourceType, readonly Generated[] | undefined>>;

export async function loadGenerators(): Promise<Readonly<Record<ResourceType, Generator | undefined>>> {
  const entries = await Promise.all(RESOURCE_TYPES.map(async (type) => [type, await generatorOf(type)] as const));
  return Object.fromEntries(entries) as Record<ResourceType, Generator | undefined>;
}

export function make(mesh: Mesh, node: ProxyNode, generator: Generator): readonly Generated[] {
  const whole: Query<void, readonly Generated[]> = {
    name: "all",
    key: () => "",
    compute: (read) => generator.units(read).flatMap((unit) => generator.generate(read, unit)),
  };
  return new Derivations(mesh).ask(whole, undefined, node);
}
