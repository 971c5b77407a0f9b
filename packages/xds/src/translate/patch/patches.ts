import { type ConfigObject, type EnvoyConfigPatch, type EnvoyPatchMatch, refOf } from "@fairlead/config";
import { policiesOf, type Query, type Reader, rootNamespaceOf } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { canonicalize, validate } from "../../proto/canonicalize.ts";

/** What patches apply to, with the message that a patch's value is. */
const VALUES = {
  LISTENER: "envoy.config.listener.v3.Listener",
  LISTENER_FILTER: "envoy.config.listener.v3.ListenerFilter",
  FILTER_CHAIN: "envoy.config.listener.v3.FilterChain",
  NETWORK_FILTER: "envoy.config.listener.v3.Filter",
  HTTP_FILTER: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  ROUTE_CONFIGURATION: "envoy.config.route.v3.RouteConfiguration",
  VIRTUAL_HOST: "envoy.config.route.v3.VirtualHost",
  HTTP_ROUTE: "envoy.config.route.v3.Route",
  CLUSTER: "envoy.config.cluster.v3.Cluster",
  EXTENSION_CONFIG: "envoy.config.core.v3.TypedExtensionConfig",
  BOOTSTRAP: "envoy.config.bootstrap.v3.Bootstrap",
} as const;

/** The one thing that a patch of these can do. Source: Istio API, `EnvoyFilter.ApplyTo`. */
const ONLY: Readonly<Partial<Record<PatchTarget, Operation>>> = { EXTENSION_CONFIG: "ADD", BOOTSTRAP: "MERGE" };

/** Code of what is said of patches that a running proxy does not see. */
const AT_START = "effect-at-start";

export type PatchTarget = keyof typeof VALUES;
export type PatchContext = "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY";
type Operation = NonNullable<NonNullable<EnvoyConfigPatch["patch"]>["operation"]>;

/** One patch of an EnvoyFilter that holds for the node. */
export interface Patch {
  readonly target: PatchTarget;
  readonly operation: Operation;
  readonly match: EnvoyPatchMatch;
  /** In canonical form; empty for REMOVE. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly source: ObjectRef;
  /** `spec.configPatches[1]` */
  readonly path: string;
}

interface Patches {
  readonly patches: readonly Patch[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Only lists of filters and routes have an order that a patch can choose a place in. */
const ORDERED: ReadonlySet<PatchTarget> = new Set(["LISTENER_FILTER", "NETWORK_FILTER", "HTTP_FILTER", "HTTP_ROUTE"]);

const all: Query<void, Patches> = {
  name: "envoy-filter-patches",
  key: () => "",
  compute(read) {
    const diagnostics: Diagnostic[] = [];
    const root = rootNamespaceOf(read);
    const objects = policiesOf(read, "EnvoyFilter")
      .map((object, index) => ({ object, index, inRoot: object.metadata.namespace === root }))
      .sort(
        (a, b) =>
          (a.object.spec.priority ?? 0) - (b.object.spec.priority ?? 0) ||
          Number(b.inRoot) - Number(a.inRoot) ||
          a.index - b.index,
      );
    return { patches: objects.flatMap(({ object }) => patchesOfObject(read, object, diagnostics)), diagnostics };
  },
};

/** All patches that hold for the node, in the order in which they are applied. Source: Istio API, `EnvoyFilter`. */
export function patchesOf(read: Reader): readonly Patch[] {
  return read.ask(all, undefined).patches;
}

/** What is wrong with patches of the bootstrap. */
export function bootstrapPatchDiagnostics(read: Reader): readonly Diagnostic[] {
  return patchDiagnostics(read).filter(({ code }) => code !== AT_START);
}

/** What is wrong with the patches themselves. */
export function patchDiagnostics(read: Reader): readonly Diagnostic[] {
  return read.ask(all, undefined).diagnostics;
}

function patchesOfObject(read: Reader, object: ConfigObject<"EnvoyFilter">, diagnostics: Diagnostic[]): Patch[] {
  const source = refOf(object);
  return (object.spec.configPatches ?? []).flatMap(({ applyTo, match = {}, patch = {} }, index): Patch[] => {
    const path = `spec.configPatches[${index}]`;
    const report = (code: string, field: string, message: string) =>
      void diagnostics.push({ code, severity: "warning", object: source, path: `${path}.${field}`, message });
    if (!applyTo || !(applyTo in VALUES)) {
      report("unsupported-field", "applyTo", `patches of ${applyTo ?? "nothing"} are not applied`);
      return [];
    }
    if (match.waypoint || match.context === "WAYPOINT") {
      const field = match.waypoint ? "match.waypoint" : "match.context";
      report("unsupported-field", field, "there are no waypoints: the patch is not applied");
      return [];
    }
    if (patch.filterClass && patch.filterClass !== "UNSPECIFIED")
      report(
        "unsupported-field",
        "patch.filterClass",
        "has no effect: the place of a filter is told by match and operation",
      );
    if (match.listener?.portName) report("unsupported-field", "match.listener.portName", "is not looked at");
    if (match.listener?.filterChain?.transportSocket)
      report("unsupported-field", "match.listener.filterChain.transportSocket", "is not looked at");
    if (!proxyMatches(read, match, report)) return [];
    const target = applyTo as PatchTarget;
    if (target === "BOOTSTRAP")
      diagnostics.push({
        code: AT_START,
        severity: "info",
        object: source,
        path: `${path}.applyTo`,
        message: "is in the bootstrap of a proxy that is started with it: nothing of a running one changes",
      });
    const only = ONLY[target];
    if (only && patch.operation !== only) {
      report("unsupported-field", "patch.operation", `is ${only} for ${target}: the patch is not applied`);
      return [];
    }
    const problems = patch.value ? validate(VALUES[target], patch.value) : [];
    for (const { path: at, message } of problems)
      report("patch-invalid", `patch.value${at ? `.${at}` : ""}`, `${message}; the patch is not applied`);
    if (problems.length > 0) return [];
    const value = (patch.value ? canonicalize(VALUES[target], patch.value) : {}) as Record<string, unknown>;
    return [{ target, operation: placed(target, patch.operation ?? "INVALID"), match, value, source, path }];
  });
}

function placed(target: PatchTarget, operation: Operation): Operation {
  return operation.startsWith("INSERT_") && !ORDERED.has(target) ? "ADD" : operation;
}

/** Whether the patch is for proxies like the node: by version (of Istio's proxy, `ISTIO_VERSION`) and metadata. */
function proxyMatches(
  read: Reader,
  { proxy }: EnvoyPatchMatch,
  report: (code: string, field: string, message: string) => void,
): boolean {
  if (!proxy) return true;
  const metadata = (key: string) => read.fact(`metadata ${key}`, (node) => String(node.metadata[key] ?? ""));
  for (const [key, value] of Object.entries(proxy.metadata ?? {})) if (metadata(key) !== value) return false;
  if (!proxy.proxyVersion) return true;
  const version = metadata("ISTIO_VERSION");
  if (!version || proxy.proxyVersion.length > 1024) return false;
  try {
    return new RegExp(proxy.proxyVersion).test(version);
  } catch {
    report("patch-invalid", "match.proxy.proxyVersion", "is not a regular expression; the patch is not applied");
    return false;
  }
}

/** Whether the patch is for resources made in this context. */
export function inContext({ match }: Patch, context: PatchContext): boolean {
  return !match.context || match.context === "ANY" || match.context === context;
}
