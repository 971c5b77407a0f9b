import type { ObjectRef } from "@fairlead/model";
import { virtualService } from "../../builders.ts";
import type { VirtualService } from "../../kinds/virtual-service/schema.ts";
import type { ConfigObject } from "../../object.ts";
import type { GatewayApiObject } from "../kinds.ts";
import type { ParentContext, RouteBinding, RouteKind } from "./parent.ts";

export type RouteObject = GatewayApiObject<RouteKind>;

/** A rule of ours with the place it comes from. */
export interface PlacedRule<R> {
  readonly rule: R;
  readonly source: ObjectRef;
  readonly path: string;
}

/** A VirtualService, and where its rules come from, in their order. */
export interface ConvertedVirtualService {
  readonly object: ConfigObject<"VirtualService">;
  readonly sources: readonly { readonly source: ObjectRef; readonly path: string }[];
}

/** Host names of a Service or ServiceEntry that the route is attached to. */
export function meshHosts(
  { world }: ParentContext,
  { reference }: RouteBinding,
  route: RouteObject,
): readonly string[] {
  const { kind, name, namespace = route.metadata.namespace } = reference;
  if (kind === "ServiceEntry") return world.serviceEntry(namespace, name)?.hosts ?? [];
  return [`${name}.${namespace}.svc.${world.domainSuffix}`];
}

/** On one port of a Service. */
export function onPort<R extends { readonly match?: readonly object[] }>(rule: R, port: number): R {
  const match = rule.match?.length ? rule.match.map((one) => ({ ...one, port })) : [{ port }];
  return { ...rule, match };
}

/** A VirtualService of routes, the first of which it is named and dated by. */
export function virtualServiceOf(name: string, routes: readonly RouteObject[], spec: VirtualService) {
  const [first] = routes;
  const { namespace, creationTimestamp } = first?.metadata ?? { namespace: "" };
  const parents = routes.map(({ kind, metadata }) => `${kind}/${metadata.name}.${metadata.namespace}`);
  const annotations = {
    "internal.istio.io/parents": parents.join(","),
    "internal.istio.io/route-semantics": "gateway",
  };
  return virtualService({ name, namespace, annotations, ...(creationTimestamp && { creationTimestamp }) }, spec);
}
