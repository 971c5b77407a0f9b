import { type ConfigObject, refOf, type TrafficSelector, type WasmConfig } from "@fairlead/config";
import { policiesOf, type Query, type Reader, rootNamespaceOf } from "@fairlead/mesh";
import { type Diagnostic, type ObjectRef, structurallyEqual } from "@fairlead/model";
import type { AnyMessage } from "../../proto/types.ts";
import { typed } from "../listener/typed.ts";
import { wasmFilter } from "./wasm.ts";

/** Where among the filters of authentication and authorization an extension stands. */
export type ExtensionPhase = "AUTHN" | "AUTHZ" | "STATS" | "UNSPECIFIED";

/** A WasmPlugin or TrafficExtension that holds for the node, as a filter of requests or of connections. */
export interface Extension {
  /** Of the filter, and of its configuration over ECDS. Istio's. */
  readonly name: string;
  readonly layer: "HTTP" | "NETWORK";
  readonly phase: ExtensionPhase;
  readonly priority: number;
  readonly match: readonly TrafficSelector[];
  readonly config: AnyMessage;
  readonly source: ObjectRef;
}

interface Extensions {
  readonly extensions: readonly Extension[];
  readonly diagnostics: readonly Diagnostic[];
}

type Made = Omit<Extension, "config"> & {
  readonly config: AnyMessage | undefined;
  readonly diagnostics: readonly Diagnostic[];
};

const all: Query<void, Extensions> = {
  name: "extensions",
  key: () => "",
  compute(read) {
    const made = [
      ...policiesOf(read, "TrafficExtension").map((object) => trafficExtension(read, object)),
      ...policiesOf(read, "WasmPlugin").map((object) => wasmPlugin(read, object)),
    ];
    const root = rootNamespaceOf(read);
    // Of one priority, those of the node's own namespace come before those of the whole mesh.
    const rank = ({ source }: Made) => (source.namespace === root ? 1 : 0);
    made.sort((a, b) => b.priority - a.priority || rank(a) - rank(b));
    return {
      extensions: made.flatMap(({ diagnostics: _, config, ...rest }) => (config ? [{ ...rest, config }] : [])),
      diagnostics: made.flatMap(({ diagnostics }) => diagnostics),
    };
  },
  equal: structurallyEqual,
};

/** The extensions of a node, in the order in which they run within a phase. */
export function extensionsOf(read: Reader): readonly Extension[] {
  return read.ask(all, undefined).extensions;
}

/** What of the node's extensions is not distributed. */
export function extensionDiagnostics(read: Reader): readonly Diagnostic[] {
  return read.ask(all, undefined).diagnostics;
}

/** Without one, last. */
const LOWEST = -(2 ** 31);

function trafficExtension(read: Reader, object: ConfigObject<"TrafficExtension">): Made {
  const { spec } = object;
  const { phase = "UNSPECIFIED", priority, match = [] } = spec;
  const base = { ...named(object, ""), layer: layerOf(spec.wasm), phase, priority: priority ?? LOWEST, match };
  if (spec.wasm) return { ...base, ...wasmPart(read, object, spec.wasm, "spec.wasm") };
  const inlineString = spec.lua?.inlineCode ?? "";
  const config = typed("envoy.extensions.filters.http.lua.v3.Lua", { defaultSourceCode: { inlineString } });
  return { ...base, config: spec.lua && config, diagnostics: [] };
}

function wasmPlugin(read: Reader, object: ConfigObject<"WasmPlugin">): Made {
  const { phase = "UNSPECIFIED_PHASE", priority, match = [] } = object.spec;
  return {
    ...named(object, TRANSLATED),
    layer: layerOf(object.spec),
    phase: phase === "UNSPECIFIED_PHASE" ? "UNSPECIFIED" : phase,
    priority: priority ?? LOWEST,
    match,
    ...wasmPart(read, object, object.spec, "spec"),
  };
}

/** Istio makes a TrafficExtension of that name from a WasmPlugin. */
const TRANSLATED = "~istio-translated-wasmplugin";

function named(object: ConfigObject<"TrafficExtension" | "WasmPlugin">, suffix: string) {
  const { namespace, name } = object.metadata;
  return { name: `extensions.istio.io/trafficextension/${namespace}.${name}${suffix}`, source: refOf(object) };
}

function layerOf(wasm: WasmConfig | undefined): Extension["layer"] {
  return wasm?.type === "NETWORK" ? "NETWORK" : "HTTP";
}

function wasmPart(
  read: Reader,
  object: ConfigObject<"TrafficExtension" | "WasmPlugin">,
  wasm: WasmConfig,
  at: string,
): Pick<Made, "config" | "diagnostics"> {
  const { namespace, name, resourceVersion = "" } = object.metadata;
  const suffix = object.kind === "WasmPlugin" ? TRANSLATED : "";
  const origin = { name: `${namespace}.${name}${suffix}`, resourceVersion };
  const { config, problems } = wasmFilter(read, origin, wasm);
  const diagnostics = problems.map(
    ([field, message]): Diagnostic => ({
      code: "unsupported-field",
      severity: "warning",
      object: refOf(object),
      path: `${at}.${field}`,
      message,
    }),
  );
  return { config, diagnostics };
}
