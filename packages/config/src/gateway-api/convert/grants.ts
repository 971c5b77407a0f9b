import { GATEWAY_API_GROUP, type GatewayApiObject } from "../kinds.ts";

/** What may refer to what in another namespace. */
export interface Grants {
  /** `from`: a kind of the Gateway API and its namespace. `to`: group, kind, namespace and name of what is referred to. */
  allows(
    from: { readonly kind: string; readonly namespace: string },
    to: { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string },
  ): boolean;
}

const FROM: ReadonlySet<string> = new Set(["Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"]);

/** Source: Gateway API, `ReferenceGrant`: each stands in the namespace of what it grants. */
export function grantsOf(grants: Iterable<GatewayApiObject<"ReferenceGrant">>): Grants {
  const byNamespace = new Map<string, GatewayApiObject<"ReferenceGrant">[]>();
  for (const grant of grants) {
    const { namespace } = grant.metadata;
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), grant]);
  }
  return {
    allows: (from, to) =>
      FROM.has(from.kind) &&
      (byNamespace.get(to.namespace) ?? []).some(
        ({ spec }) =>
          spec.from.some(
            (one) => one.group === GATEWAY_API_GROUP && one.kind === from.kind && one.namespace === from.namespace,
          ) &&
          spec.to.some(
            (one) => one.group === to.group && one.kind === to.kind && (one.name === undefined || one.name === to.name),
          ),
      ),
  };
}
