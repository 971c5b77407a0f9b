import { errorOfStatus, KubernetesError } from "./kubernetes-error.ts";
import type { KubernetesObject } from "./object.ts";

/** One line of a watch. Bookmarks carry a resource version and nothing else. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubernetesObject;
}

/**
 * Reads a watch: what arrives together comes as one batch. Ends when the server ends it (it does, at its time-out);
 * throws `KubernetesError` for an ERROR event (`gone`: list again), an event that cannot be read, and a line over the limit.
 */
export async function* watchEvents(
  body: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<readonly WatchEvent[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineBytes)
      throw new KubernetesError("bad-response", `a watch event is longer than ${maxLineBytes} bytes`);
    const events: WatchEvent[] = [];
    for (const line of lines) {
      if (line === "") continue;
      const event = readEvent(line);
      if (event instanceof KubernetesError) {
        // What came before it is still true.
        if (events.length > 0) yield events;
        throw event;
      }
      events.push(event);
    }
    if (events.length > 0) yield events;
  }
}

const TYPES: ReadonlySet<unknown> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);

function readEvent(line: string): WatchEvent | KubernetesError {
  let event: {
    readonly type?: unknown;
    readonly object?: { readonly metadata?: unknown; readonly code?: unknown } | null;
  };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (cause) {
    return new KubernetesError("bad-response", "a watch event is not JSON", { cause });
  }
  if (event?.type === "ERROR") return errorOfStatus(Number(event.object?.code ?? 500), event.object, "watch");
  if (!TYPES.has(event?.type) || typeof event.object?.metadata !== "object" || event.object.metadata === null)
    return new KubernetesError("bad-response", `a watch event of type ${JSON.stringify(event?.type)} cannot be read`);
  return event as unknown as WatchEvent;
}
