import {
  type ConfigObject,
  type ExtensionProvider,
  refOf,
  type TelemetryAccessLogging,
  type TelemetryTracing,
} from "@fairlead/config";
import { meshConfigOf, policiesOf, type Query, type Reader, rootNamespaceOf, sameMembers } from "@fairlead/mesh";
import type { ObjectRef } from "@fairlead/model";
import type { ListenerClass } from "./proxy-headers.ts";

/** A part of a Telemetry with the place it was written at. */
export interface PlacedTelemetry<P> {
  readonly spec: P;
  readonly source: ObjectRef;
  readonly path: string;
}

type Telemetry = ConfigObject<"Telemetry">;

/** Whether it names no workloads: neither by labels nor as those of a Gateway. */
const wide = ({ spec: { selector, targetRef, targetRefs } }: Telemetry) =>
  Object.keys(selector?.matchLabels ?? {}).length === 0 && !targetRef && !targetRefs?.length;

/** The Telemetries that hold for the node, least specific first: the mesh's, the namespace's, those that select it. */
const applicable: Query<void, readonly Telemetry[]> = {
  name: "telemetries",
  key: () => "",
  compute(read) {
    const objects = policiesOf(read, "Telemetry");
    if (objects.length === 0) return objects;
    const root = rootNamespaceOf(read);
    const inRoot = read.fact("namespace is root", (node) => node.namespace === root);
    const mesh = objects.find((object) => object.metadata.namespace === root && wide(object));
    const own = objects.filter((object) => inRoot || object.metadata.namespace !== root);
    const namespace = inRoot ? undefined : own.find(wide);
    return [mesh, namespace, ...own.filter((object) => !wide(object))].filter((object) => object !== undefined);
  },
  equal: sameMembers,
};

export function telemetriesOf(read: Reader): readonly Telemetry[] {
  return read.ask(applicable, undefined);
}

/** All `tracing` sections that hold, later ones going before earlier ones. */
export function tracingSections(read: Reader): readonly PlacedTelemetry<TelemetryTracing>[] {
  return telemetriesOf(read).flatMap((object) =>
    (object.spec.tracing ?? []).map((spec, index) => ({ spec, source: refOf(object), path: `spec.tracing[${index}]` })),
  );
}

/** The `accessLogging` sections of each Telemetry that has some. */
export function loggingSections(read: Reader): readonly (readonly PlacedTelemetry<TelemetryAccessLogging>[])[] {
  return telemetriesOf(read)
    .filter((object) => (object.spec.accessLogging ?? []).length > 0)
    .map((object) =>
      (object.spec.accessLogging ?? []).map((spec, index) => ({
        spec,
        source: refOf(object),
        path: `spec.accessLogging[${index}]`,
      })),
    );
}

/** Which side of a request a listener tells about. Gateways count as clients. */
export function workloadMode(listenerClass: ListenerClass): "CLIENT" | "SERVER" {
  return listenerClass === "sidecar-inbound" ? "SERVER" : "CLIENT";
}

export function modeMatches(match: { readonly mode?: string } | undefined, mode: "CLIENT" | "SERVER"): boolean {
  return !match?.mode || match.mode === "CLIENT_AND_SERVER" || match.mode === mode;
}

/** Providers that every mesh has. */
const BUILT_IN: readonly ExtensionProvider[] = [
  { name: "prometheus", prometheus: {} },
  { name: "stackdriver", stackdriver: {} },
  { name: "envoy", envoyFileAccessLog: { path: "/dev/stdout" } },
];

/** A provider by its name, in any case: the mesh's own before those that every mesh has. */
export function extensionProvider(read: Reader, name: string): ExtensionProvider | undefined {
  const { extensionProviders } = meshConfigOf(read);
  const wanted = name.toLowerCase();
  return [...(extensionProviders ?? []), ...BUILT_IN].find((provider) => provider.name?.toLowerCase() === wanted);
}
