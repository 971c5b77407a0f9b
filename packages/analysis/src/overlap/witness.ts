import { OWN_SUBNETS } from "./connection-set.ts";
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

/** One connection of the set, in words. Throws `Undecided`. */
export function describeConnection(sets: RequestSets, set: RequestSet): string {
  const value = (property: string, ...wanted: string[]) =>
    set.has(property) ? sets.example(set, property, wanted) : undefined;
  const sni = value("sni");
  const subnet = value("subnet", OWN_SUBNETS);
  const port = value("port");
  const gateway = value("gateway", "mesh");
  const labels = [...set.keys()]
    .filter((property) => property.startsWith("label "))
    .sort()
    .flatMap((property) => {
      const text = sets.example(set, property, []);
      return text === undefined ? [] : [`from a client labelled ${property.slice("label ".length)}=${text}`];
    });
  const namespace = value("namespace");
  return [
    ...(sni === undefined ? ["a connection"] : [`a TLS connection for ${sni}`]),
    ...(subnet === undefined || subnet === OWN_SUBNETS ? [] : [`to ${subnet}`]),
    ...(port === undefined ? [] : [`on port ${port}`]),
    ...labels,
    ...(namespace === undefined ? [] : [`from namespace ${namespace}`]),
    ...(gateway === undefined || gateway === "mesh" ? [] : [`at gateway ${gateway}`]),
  ].join(", ");
}
