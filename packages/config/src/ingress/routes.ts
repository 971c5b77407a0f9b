import type { StringMatch } from "../kinds/virtual-service/http-match.ts";
import type { HttpRoute } from "../kinds/virtual-service/http-route.ts";
import type { IngressBackend, IngressPath } from "./resource.ts";

/** Says what of a path has no effect. `path` is within the rule. */
export type Say = (code: string, path: string, message: string) => void;

export interface BackendContext {
  readonly namespace: string;
  readonly domainSuffix: string;
  /** The number of a Service's port by its name. */
  readonly portOf: (namespace: string, service: string, port: string) => number | undefined;
}

export function routesOf(paths: readonly IngressPath[], context: BackendContext, say: Say): readonly HttpRoute[] {
  return paths.flatMap((path, index) => {
    const sayHere: Say = (code, at, message) => say(code, `http.paths[${index}].backend${at}`, message);
    const destination = destinationOf(path.backend, context, sayHere);
    if (!destination) return [];
    const uri = uriMatch(path);
    return [{ ...(uri && { match: [{ uri }] }), route: [{ destination, weight: 100 }] }];
  });
}

/**
 * Kubernetes' precedence: the longest path first, of equal ones the exact first; what matches everything last. Otherwise the
 * given order stays.
 */
export function byPrecedence(a: HttpRoute, b: HttpRoute): number {
  const [one, other] = [matchOf(a), matchOf(b)];
  return other.length - one.length || Number(other.exact) - Number(one.exact);
}

function matchOf({ match }: HttpRoute): { readonly length: number; readonly exact: boolean } {
  const uri = match?.[0]?.uri;
  if (uri?.exact !== undefined) return { length: byteLength(uri.exact), exact: true };
  return { length: byteLength(uri?.prefix ?? ""), exact: false };
}

/** Of a text as UTF-8. */
export function byteLength(text: string): number {
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) > 127) return new TextEncoder().encode(text).length;
  return text.length;
}

/** Of no or an implementation-specific type: `x*` patterns of old are prefixes, all else is exact. */
function uriMatch({ path, pathType }: IngressPath): StringMatch | undefined {
  if (pathType === "Exact") return { exact: path };
  if (pathType === "Prefix") return { prefix: path };
  if (["", "*", "/*", ".*"].includes(path)) return undefined;
  return /(\.|\/)\*$/.test(path) ? { prefix: path.slice(0, -2) } : { exact: path };
}

function destinationOf({ service, resource }: IngressBackend, context: BackendContext, say: Say) {
  const { namespace, domainSuffix, portOf } = context;
  if (resource) say("unsupported-field", ".resource", "only Services are served; the resource has no effect");
  if (!service) {
    if (!resource) say("ingress-no-backend", "", "names no service: the path is left out");
    return undefined;
  }
  const { name = "", number: given } = service.port;
  const number = given ?? portOf(namespace, service.name, name);
  if (number === undefined) {
    say(
      "unknown-port",
      ".service.port",
      `Service ${namespace}/${service.name} has no port ${JSON.stringify(name)}: the path is left out`,
    );
    return undefined;
  }
  return { host: `${service.name}.${namespace}.svc.${domainSuffix}`, port: { number } };
}
