import type { Mesh } from "@fairlead/mesh";
import { type BehaviourChange, compared, newsOf } from "./behaviour.ts";

type Request = BehaviourChange["question"]["request"];

/** The same change shown by a smaller request: without what it is not due to. */
export function minimal(change: BehaviourChange, before: Mesh, after: Mesh): BehaviourChange {
  let smallest = change;
  for (;;) {
    const next = smallerRequests(smallest.question.request)
      .map((request) => {
        const { from, ...rest } = smallest.question;
        return typeof from === "string" ? undefined : compared(before, after, from, { ...rest, request });
      })
      .find((one) => one !== undefined && newsOf(one) === newsOf(smallest));
    if (next === undefined) return smallest;
    smallest = next;
  }
}

function smallerRequests({ url, method, headers, claims, ...rest }: Request): readonly Request[] {
  const all = { url, ...(method && { method }), ...(headers && { headers }), ...(claims && { claims }), ...rest };
  const { headers: _, method: __, claims: ___, ...bare } = all;
  const named = Object.entries(headers ?? {});
  const less = named.map(([name]) => {
    const kept = Object.fromEntries(named.filter(([other]) => other !== name));
    return { ...all, headers: kept };
  });
  const tidy = (request: Request): Request => {
    const { headers: given, ...others } = request;
    return given && Object.keys(given).length > 0 ? request : others;
  };
  return [
    ...less.map(tidy),
    ...(method === undefined ? [] : [{ ...bare, ...(headers && { headers }), ...(claims && { claims }) }]),
    ...(claims === undefined ? [] : [{ ...bare, ...(headers && { headers }), ...(method && { method }) }]),
    ...(url.includes("?") ? [{ ...all, url: url.replace(/\?.*$/, "") }] : []),
    ...(/^[a-z]+:\/\/[^/]+\/./.test(url) ? [{ ...all, url: url.replace(/^([a-z]+:\/\/[^/]+\/).*$/, "$1") }] : []),
  ];
}
