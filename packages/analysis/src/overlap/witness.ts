import type { RequestSet, RequestSets } from "./request-set.ts";

/** One request of the set, in words. `host` is what the VirtualService is for. Throws `Undecided`. */
export function describeRequest(sets: RequestSets, set: RequestSet, host: string): string {
  const example = (property: string, ...wanted: string[]) => sets.example(set, property, wanted) ?? "";
  const method = example("method", "GET", "POST");
  const scheme = example("scheme", "http");
  const authority = example("authority", host === "*" ? "any.example" : host.replace(/^\*/, "any"));
  const port = set.has("port") ? `:${example("port", "80", "443", "8080")}` : "";
  const query: string[] = [];
  const more: string[] = [];
  for (const property of [...set.keys()].sort()) {
    const space = property.indexOf(" ");
    if (space < 0) continue;
    const [kind, name] = [property.slice(0, space), property.slice(space + 1)];
    if (kind === "claim") {
      if (example(property, "0") === "1") more.push(`a token where ${name} holds`);
      continue;
    }
    const value = sets.example(set, property, []);
    if (value === undefined) continue;
    if (kind === "query") query.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
    else
      more.push(
        kind === "label" ? `from a client labelled ${name}=${value}` : `header ${name}: ${JSON.stringify(value)}`,
      );
  }
  if (set.has("namespace")) more.push(`from namespace ${example("namespace")}`);
  const search = query.length > 0 ? `?${query.join("&")}` : "";
  const gateway = example("gateway", "mesh");
  if (gateway !== "mesh") more.push(`at gateway ${gateway}`);
  const url = `${scheme}://${authority}${port}${example("path", "/")}${search}`;
  return [`${method} ${url}`, ...more].join(", ");
}
