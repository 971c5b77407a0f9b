import { ConfigError, refOf, type WritableStore } from "@fairlead/config";
import type { Mesh } from "@fairlead/mesh";
import { type Diagnostic, objectKey } from "@fairlead/model";
import type { ControlPlane } from "../control-plane.ts";
import { rounds } from "./rounds.ts";

export interface StatusWriterOptions {
  readonly plane: ControlPlane;
  /** Where the statuses are written: the store that the control plane serves from, or the writable one among them. */
  readonly store: WritableStore;
  /**
   * Further findings about the objects of a mesh, such as those of `analyze` (`@fairlead/analysis`); their codes and levels
   * become `validationMessages`. Default: none.
   */
  readonly analyze?: (mesh: Mesh) => readonly Diagnostic[];
  /** Ends the writing: that of a term of `leaderElection`, where there are several replicas. */
  readonly signal: AbortSignal;
  /** Milliseconds without a further change after which statuses are written. Default 1000. */
  readonly debounce?: number;
  /** Milliseconds that proxies get to accept a change before the status says that they have not. Default 10,000. */
  readonly patience?: number;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
  /** Told of statuses that could not be written; they are tried again with the next change. */
  readonly onError?: (error: unknown) => void;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

interface Status {
  readonly observedGeneration?: string;
  readonly conditions?: readonly Condition[];
  readonly validationMessages?: readonly unknown[];
}

/**
 * Writes into the status of every object of the store what became of it, as Istio has it: `observedGeneration`, the
 * condition `Reconciled` (False with a reason where an object cannot be translated or a proxy rejected it, or where proxies
 * have not accepted yet; the message says how many did), and `validationMessages`. Only what changed is written, over what was read; other conditions stay.
 * Resolves when `signal` aborts. One replica at a time: run it in `onElected` of `leaderElection`.
 *
 * Source: istio/api `meta/v1alpha1/status.proto`.
 */
export async function writeStatus(options: StatusWriterOptions): Promise<void> {
  const { plane, signal, debounce = 1_000, onError } = options;
  const rejected = new Map<string, string>();
  await rounds(() => writeAll(options, rejected).catch((error: unknown) => onError?.(error)), {
    signal,
    debounce,
    listen: (changed) => [
      plane.onMesh(changed),
      plane.on("connect", changed),
      plane.on("disconnect", changed),
      plane.on("ack", changed),
      plane.on("nack", ({ client, message, resources, attribution }) => {
        if (attribution === "candidates") return;
        for (const { sources } of resources)
          for (const source of sources) rejected.set(objectKey(source), `${client.node.id} rejected it: ${message}`);
        changed();
      }),
      // An object that changed has another chance.
      options.store.subscribe((changes) => {
        for (const { key } of changes) rejected.delete(key);
      }),
    ],
  });
}

async function writeAll(options: StatusWriterOptions, rejected: ReadonlyMap<string, string>): Promise<void> {
  const { plane, store, analyze, signal, patience = 10_000, now = Date.now, onError } = options;
  const accepted = await plane.converged({ timeout: patience }).then(
    () => true,
    () => false,
  );
  const mesh = plane.mesh;
  const proxies = plane.proxies().length;
  const synced = plane.proxies().filter(({ types }) => types.every((type) => type.synced)).length;
  const broken = byObject(plane.diagnostics().filter(({ severity }) => severity === "error"));
  const messages = byObject(analyze?.(mesh) ?? []);
  const time = new Date(now()).toISOString();
  for (const key of [...store.keys()]) {
    if (signal.aborted) return;
    const object = store.get(key);
    const stored = object && store.stored(refOf(object));
    if (stored === undefined) continue;
    const [error] = broken.get(key) ?? [];
    const refusal = error ? `${error.path ? `${error.path}: ` : ""}${error.message}` : rejected.get(key);
    const reconciled = refusal === undefined && accepted;
    const condition: Omit<Condition, "lastTransitionTime"> = {
      type: "Reconciled",
      status: reconciled ? "True" : "False",
      reason: refusal !== undefined ? (error ? "Invalid" : "Rejected") : accepted ? "Accepted" : "Pending",
      message: refusal ?? `${synced} of ${proxies} proxies have accepted the mesh`,
    };
    const before = (stored.object.status ?? {}) as Status;
    const next = nextStatus(before, stored.object.metadata.generation, condition, messages.get(key) ?? [], time);
    if (next === undefined) continue;
    const edit = { status: refOf(stored.object), value: next, expect: stored.revision };
    await store.transact([edit]).catch((failure: unknown) => {
      // Who changed the object meanwhile wakes the writer again.
      if (!(failure instanceof ConfigError && (failure.code === "CONFLICT" || failure.code === "NOT_FOUND")))
        onError?.(failure);
    });
  }
}

/** The status to write; undefined where it says so already. The number of proxies alone is no reason to write. */
function nextStatus(
  before: Status,
  generation: number | undefined,
  condition: Omit<Condition, "lastTransitionTime">,
  messages: readonly Diagnostic[],
  time: string,
): Status | undefined {
  const old = before.conditions?.find(({ type }) => type === condition.type);
  const validationMessages = messages.map(({ code, severity }) => ({
    type: { name: code, code },
    level: severity === "error" ? "ERROR" : severity === "warning" ? "WARNING" : "INFO",
  }));
  const observedGeneration = generation === undefined ? undefined : String(generation);
  const said =
    old?.status === condition.status &&
    old.reason === condition.reason &&
    (condition.status === "True" || old.message === condition.message) &&
    String(before.observedGeneration) === String(observedGeneration) &&
    JSON.stringify(before.validationMessages ?? []) === JSON.stringify(validationMessages);
  if (said) return undefined;
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : time;
  const { validationMessages: _old, ...rest } = before;
  return {
    ...rest,
    ...(observedGeneration !== undefined && { observedGeneration }),
    conditions: [
      ...(before.conditions ?? []).filter(({ type }) => type !== condition.type),
      { ...condition, lastTransitionTime },
    ],
    ...(validationMessages.length > 0 && { validationMessages }),
  };
}

function byObject(diagnostics: readonly Diagnostic[]): ReadonlyMap<string, readonly Diagnostic[]> {
  const found = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    if (!diagnostic.object) continue;
    const key = objectKey(diagnostic.object);
    const list = found.get(key);
    if (list) list.push(diagnostic);
    else found.set(key, [diagnostic]);
  }
  return found;
}
