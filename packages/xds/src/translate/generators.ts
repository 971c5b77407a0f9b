import { clusterGenerator } from "./cluster/generator.ts";
import { endpointGenerator } from "./endpoint/generator.ts";
import { extensionGenerator } from "./extension/generator.ts";
import type { Generator } from "./generated.ts";
import { listenerGenerator } from "./listener/generator.ts";
import { nameTableGenerator } from "./name-table/generator.ts";
import { proxylessClusters } from "./proxyless/cluster.ts";
import { chosen } from "./proxyless/generator.ts";
import { proxylessListeners } from "./proxyless/listener.ts";
import { proxylessRoutes } from "./proxyless/route.ts";
import { routeGenerator } from "./route/generator.ts";
import { authorizationGenerator } from "./ztunnel/generator.ts";

/** One row a resource type: a new type is a folder and a line here. */
export const GENERATORS = {
  clusters: chosen(clusterGenerator, proxylessClusters),
  listeners: chosen(listenerGenerator, proxylessListeners),
  routes: chosen(routeGenerator, proxylessRoutes),
  endpoints: endpointGenerator,
  extensions: extensionGenerator,
  authorizations: authorizationGenerator,
  nameTables: nameTableGenerator,
} as const satisfies Record<string, Generator>;

export type GeneratorName = keyof typeof GENERATORS;
