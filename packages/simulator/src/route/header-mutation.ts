import type { HeaderValueOption } from "../envoy.ts";
import { headerKey } from "../match/header.ts";

/** One level's header changes. */
interface Level {
  readonly requestHeadersToAdd?: HeaderValueOption[];
  readonly requestHeadersToRemove?: string[];
  readonly responseHeadersToAdd?: HeaderValueOption[];
  readonly responseHeadersToRemove?: string[];
}

export type Mutation =
  | { readonly remove: string }
  | { readonly header: string; readonly value: string; readonly action: HeaderAction };

export type HeaderAction = "append" | "add-if-absent" | "overwrite" | "overwrite-if-present";

const ACTIONS: Readonly<Record<string, HeaderAction>> = {
  APPEND_IF_EXISTS_OR_ADD: "append",
  ADD_IF_ABSENT: "add-if-absent",
  OVERWRITE_IF_EXISTS_OR_ADD: "overwrite",
  OVERWRITE_IF_EXISTS: "overwrite-if-present",
};

/** What overwrites comes before what is added, however they are listed. */
function additions(options: readonly HeaderValueOption[] | undefined): readonly Mutation[] {
  const made = (options ?? []).map(({ header, append, appendAction }) => ({
    header: headerKey(header?.key ?? ""),
    value: header?.value ?? "",
    action: appendAction ? (ACTIONS[appendAction] ?? "append") : append === false ? "overwrite" : ("append" as const),
  }));
  const overwrites = ({ action }: (typeof made)[number]) => action.startsWith("overwrite");
  return [...made.filter(overwrites), ...made.filter((one) => !overwrites(one))];
}

const NONE: readonly Mutation[] = [];

function changes(level: Level): boolean {
  return (
    level.requestHeadersToAdd !== undefined ||
    level.requestHeadersToRemove !== undefined ||
    level.responseHeadersToAdd !== undefined ||
    level.responseHeadersToRemove !== undefined
  );
}

/**
 * The header changes of a route, in the order in which Envoy makes them: weighted cluster, route, virtual host,
 * route configuration (the other way round with `mostSpecificHeaderMutationsWins`); at each level first removals, then what overwrites, then what is added.
 */
export function mutations(
  levels: readonly (Level | undefined)[],
  direction: "request" | "response",
  mostSpecificWins = false,
): readonly Mutation[] {
  if (!levels.some((level) => level && changes(level))) return NONE;
  const ordered = mostSpecificWins ? [...levels].reverse() : levels;
  return ordered.flatMap((level) => [
    ...((direction === "request" ? level?.requestHeadersToRemove : level?.responseHeadersToRemove) ?? []).map(
      (name) => ({ remove: headerKey(name) }),
    ),
    ...additions(direction === "request" ? level?.requestHeadersToAdd : level?.responseHeadersToAdd),
  ]);
}

/** The headers after the changes; `%REQ(name)%` is filled in, other commands stay as they are written. */
export function mutate(
  headers: ReadonlyMap<string, string>,
  changes: readonly Mutation[],
): ReadonlyMap<string, string> {
  if (changes.length === 0) return headers;
  const result = new Map(headers);
  for (const change of changes) {
    if ("remove" in change) {
      result.delete(change.remove);
      continue;
    }
    const present = result.get(change.header);
    const value = change.value
      .replace(
        /%REQ\(([^)?]+)(?:\?([^)]+))?\)(?::\d+)?%/gi,
        (_, name: string, other?: string) => headers.get(headerKey(name)) ?? headers.get(headerKey(other ?? "")) ?? "-",
      )
      .replaceAll("%%", "%");
    if (change.action === "add-if-absent" && present !== undefined) continue;
    if (change.action === "overwrite-if-present" && present === undefined) continue;
    result.set(change.header, change.action === "append" && present !== undefined ? `${present},${value}` : value);
  }
  return result;
}
