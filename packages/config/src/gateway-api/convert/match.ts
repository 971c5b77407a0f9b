import { regexFault } from "../../common/regex.ts";
import type { HttpMatch, StringMatch } from "../../kinds/virtual-service/http-match.ts";
import type { GrpcRouteMatch } from "../kinds/grpc-route.ts";
import type { HttpRouteMatch } from "../kinds/http-route.ts";
import type { Problem } from "./condition.ts";

const bad = (message: string): Problem => ({ reason: "InvalidConfiguration", message });

interface NamedValue {
  readonly type?: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

function byName(values: readonly NamedValue[]): Record<string, StringMatch> {
  return Object.fromEntries(
    values.map(({ type = "Exact", name, value }) => [name, type === "Exact" ? { exact: value } : { regex: value }]),
  );
}

/** Why one of the regular expressions would be refused by Envoy. */
function regexProblem(matches: readonly (StringMatch | undefined)[]): Problem | undefined {
  for (const match of matches) {
    const fault = match?.regex === undefined ? undefined : regexFault(match.regex);
    if (fault) return bad(`${JSON.stringify(match?.regex)} is ${fault}`);
  }
  return undefined;
}

/** Source: Gateway API `HTTPRouteMatch`. Without a path, every path matches. */
export function httpMatchOf({ path, headers, queryParams, method }: HttpRouteMatch): HttpMatch | Problem {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  const uri: StringMatch =
    type === "Exact"
      ? { exact: value }
      : type === "RegularExpression"
        ? { regex: value }
        : // A trailing slash means nothing: prefixes are of whole segments.
          { prefix: value === "/" ? value : value.replace(/\/$/, "") };
  const match: HttpMatch = {
    uri,
    ...(headers?.length ? { headers: byName(headers) } : {}),
    ...(queryParams?.length ? { queryParams: byName(queryParams) } : {}),
    ...(method && { method: { exact: method } }),
  };
  const all = [uri, ...Object.values(match.headers ?? {}), ...Object.values(match.queryParams ?? {})];
  return regexProblem(all) ?? match;
}

/** Source: Gateway API `GRPCRouteMatch`; a call's path is `/service/method`. */
export function grpcMatchOf({ method, headers }: GrpcRouteMatch): HttpMatch | Problem {
  const uri = method && grpcPath(method);
  if (uri && "reason" in uri) return uri;
  const match: HttpMatch = {
    ...(uri && { uri }),
    ...(headers?.length ? { headers: byName(headers) } : {}),
  };
  return regexProblem([uri, ...Object.values(match.headers ?? {})]) ?? match;
}

function grpcPath({ type = "Exact", service, method }: NonNullable<GrpcRouteMatch["method"]>): StringMatch | Problem {
  if (service === undefined)
    return method === undefined ? bad("gRPC match must have method or service defined") : { regex: `/[^/]+/${method}` };
  if (type === "RegularExpression") return { regex: method === undefined ? `/${service}/.+` : `/${service}/${method}` };
  return method === undefined ? { prefix: `/${service}/` } : { exact: `/${service}/${method}` };
}
