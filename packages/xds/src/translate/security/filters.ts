import { refOf } from "@fairlead/config";
import { meshConfigOf, policiesOf, type Query, trustDomainOf } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import type { HttpFilter, ListenerFilter } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { authorizationFilters, type SecurityFilter } from "./authorization.ts";
import type { Protocol } from "./conditions.ts";
import { externalAuthorization } from "./external-authorization.ts";
import { jwtFilter } from "./jwt.ts";

interface Authorization {
  readonly filters: readonly SecurityFilter[];
  readonly diagnostics: readonly Diagnostic[];
  readonly places: readonly { readonly node: object; readonly object: ObjectRef; readonly path: string }[];
}

type Actions = "local" | "custom";

/** Made once for a node, and shared by all its chains. */
const authorization: Query<{ readonly protocol: Protocol; readonly actions: Actions }, Authorization> = {
  name: "authorization",
  key: ({ protocol, actions }) => `${protocol} ${actions}`,
  compute(read, { protocol, actions }) {
    const diagnostics: Diagnostic[] = [];
    const places: { node: object; object: ObjectRef; path: string }[] = [];
    const filters = authorizationFilters({
      policies: policiesOf(read, "AuthorizationPolicy"),
      protocol,
      actions,
      trustDomains: [trustDomainOf(read), ...(meshConfigOf(read).trustDomainAliases ?? [])],
      provider: (name) => externalAuthorization(read, name),
      report: (policy, path, message, code = "condition-unusable") =>
        diagnostics.push({ code, severity: "warning", object: refOf(policy), path, message }),
      place: (node, policy, path) => void places.push({ node, object: refOf(policy), path }),
    });
    return { filters, diagnostics, places };
  },
};

function filtersOf(build: Build, protocol: Protocol, actions: Actions, silent: boolean): readonly SecurityFilter[] {
  const { filters, diagnostics, places } = build.read.ask(authorization, { protocol, actions });
  // The objects themselves are told of by each filter.
  if (build.traced) for (const { node, object, path } of places) build.from(node, object, path);
  if (!silent) for (const diagnostic of diagnostics) build.report(diagnostic);
  return filters;
}

/** A copy of the filter, whose provenance is this chain's. */
function placed<F extends HttpFilter | ListenerFilter>(
  build: Build,
  { name, typedConfig, sources }: SecurityFilter,
): F {
  const filter = { name, typedConfig } as F;
  for (const source of sources) build.uses(source);
  const [first] = sources;
  return first ? build.from(filter, first) : filter;
}

/** AuthorizationPolicies as filters of requests. */
export function httpAuthorizationFilters(build: Build, actions: Actions): HttpFilter[] {
  return filtersOf(build, "http", actions, false).map((filter) => placed<HttpFilter>(build, filter));
}

/**
 * AuthorizationPolicies as filters of connections whose content is not seen. `declared` says that the port is known to
 * carry such content: only then is it worth telling that a policy asks about requests.
 */
export function tcpAuthorizationFilters(build: Build, actions: Actions, declared: boolean): ListenerFilter[] {
  return filtersOf(build, "tcp", actions, !declared).map((filter) => placed<ListenerFilter>(build, filter));
}

/** RequestAuthentications as a filter of requests. */
export function authenticationFilters(build: Build): HttpFilter[] {
  const filter = jwtFilter(build);
  return filter ? [filter] : [];
}
