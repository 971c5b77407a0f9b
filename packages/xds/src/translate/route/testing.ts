import { type ConfigObject, type MeshConfig, refOf, type VirtualService } from "@fairlead/config";
import { Derivations, Mesh, type Reader } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode, Service } from "@fairlead/model";
import type { Route, RouteConfiguration } from "../../proto/types.ts";
import type { Generated, Provenance } from "../generated.ts";
import { routeGenerator } from "./generator.ts";

/** Makers for the tests of this folder. */

export function meshOf(
  services: readonly Service[],
  config: readonly ConfigObject[] = [],
  meshConfig: MeshConfig = {},
): Mesh {
  return Mesh.of({ meshConfig, services, config });
}

/** What `compute` makes of a mesh for a node. */
export function reading<T>(mesh: Mesh, node: ProxyNode, compute: (read: Reader) => T): T {
  return new Derivations(mesh, { traced: true }).ask({ name: "test", key: () => "", compute }, undefined, node);
}

export function routeConfiguration(
  mesh: Mesh,
  node: ProxyNode,
  name: string,
  provenance?: Provenance,
): Generated<RouteConfiguration> {
  const [made] = reading(mesh, node, (read) => routeGenerator.generate(read, name, provenance));
  if (!made) throw new Error(`no route configuration ${name}`);
  return made;
}

export const REVIEWS = "reviews.default.svc.cluster.local";

export function reviewsRoutes(spec: Omit<VirtualService, "hosts">): ConfigObject<"VirtualService"> {
  return anObject("VirtualService", "reviews", { hosts: ["reviews"], ...spec });
}

/** The routes of `reviews:9080` under a VirtualService, as a client in `default` gets them. */
export function routesOfReviews(
  spec: Omit<VirtualService, "hosts">,
  {
    more = [],
    meshConfig = {},
    node = aNode(),
  }: {
    more?: readonly ConfigObject[];
    meshConfig?: MeshConfig;
    node?: ProxyNode;
  } = {},
): Pick<Generated, "diagnostics" | "sources"> & { readonly routes: readonly Route[] } {
  const mesh = meshOf([aService(REVIEWS)], [reviewsRoutes(spec), ...more], meshConfig);
  const { resource, diagnostics, sources } = routeConfiguration(mesh, node, "9080");
  const host = resource.virtualHosts?.find(({ name }) => name === `${REVIEWS}:9080`);
  return { routes: host?.routes ?? [], diagnostics, sources };
}

export function sourceOf(object: ConfigObject, path: string) {
  return { object: refOf(object), path };
}
