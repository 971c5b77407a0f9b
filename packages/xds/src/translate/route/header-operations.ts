import type { Headers } from "@fairlead/config";
import type { HeaderValueOption } from "../../proto/types.ts";

/** What a route or a weighted cluster does to headers. `authority` is told apart: Envoy rewrites it by other means. */
export interface HeaderEdits {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
  readonly authority: string;
}

type Pairs = Readonly<Record<string, string>> | undefined;

const isAuthority = (name: string) => /^(:authority|host)$/i.test(name);
/** Envoy does not let these be edited. */
const isInternal = (name: string) => name.startsWith(":") || name.toLowerCase() === "host";

/** Source: Istio API, `Headers`. `set` comes before `add`, each by name. */
export function headerEdits(headers: Headers): HeaderEdits {
  const { request, response } = headers;
  return {
    requestHeadersToAdd: [...options(request?.set, true), ...options(request?.add, false)],
    requestHeadersToRemove: editable(request?.remove),
    responseHeadersToAdd: [...options(response?.set, true), ...options(response?.add, false)],
    responseHeadersToRemove: editable(response?.remove),
    authority: authorityIn(request?.set) || authorityIn(request?.add),
  };
}

function options(pairs: Pairs, overwrite: boolean): readonly HeaderValueOption[] {
  return Object.entries(pairs ?? {})
    .filter(([key]) => !isInternal(key))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => ({
      header: { key, ...(value === "" ? {} : { value }) },
      ...(overwrite ? { appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const } : {}),
    }));
}

function editable(names: readonly string[] | undefined): readonly string[] {
  return (names ?? []).filter((name) => !isInternal(name));
}

function authorityIn(pairs: Pairs): string {
  return Object.entries(pairs ?? {}).find(([key]) => isAuthority(key))?.[1] ?? "";
}

/** The edits as fields of a route or a weighted cluster, without the empty ones. */
export function headerFields(...edits: readonly HeaderEdits[]): {
  requestHeadersToAdd?: HeaderValueOption[];
  requestHeadersToRemove?: string[];
  responseHeadersToAdd?: HeaderValueOption[];
  responseHeadersToRemove?: string[];
} {
  if (edits.length === 0) return {};
  const fields: Record<string, unknown[]> = {};
  for (const name of [
    "requestHeadersToAdd",
    "requestHeadersToRemove",
    "responseHeadersToAdd",
    "responseHeadersToRemove",
  ] as const) {
    const all = edits.flatMap((edit) => [...edit[name]]);
    if (all.length > 0) fields[name] = all;
  }
  return fields;
}
