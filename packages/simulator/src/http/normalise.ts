import type { HttpConnectionManager } from "../envoy.ts";
import type { LocalReply } from "../filter/outcome.ts";
import { withoutPort } from "../route/virtual-host.ts";
import { type HttpSubject, withHeaders } from "../subject.ts";
import type { Tracer } from "../trace.ts";

/**
 * What a connection manager does to a request before anything else sees it: ports off the authority, path
 * normalisation (RFC 3986 dot segments, slashes, escaped slashes). Source: conn_manager_utility of Envoy.
 */
export function normaliseRequest(
  manager: HttpConnectionManager,
  request: HttpSubject,
  tracer?: Tracer,
): HttpSubject | LocalReply {
  const edits: Record<string, string> = {};
  const authority = request.headers.get(":authority") ?? "";
  const stripped = strippedAuthority(manager, authority, request.connection.destination.port);
  if (stripped !== authority) edits[":authority"] = stripped;
  const path = normalisedPath(manager, request.path);
  if (typeof path === "object") {
    tracer?.add("path", request.path, false, path.by);
    return path;
  }
  if (path !== request.path) {
    edits[":path"] = path;
    tracer?.add("path", request.path, true, `normalised to ${path}`);
  }
  return Object.keys(edits).length === 0 ? request : withHeaders(request, edits);
}

function strippedAuthority(manager: HttpConnectionManager, authority: string, port: number): string {
  const stripped =
    manager.stripAnyHostPort || (manager.stripMatchingHostPort && authority.endsWith(`:${port}`))
      ? withoutPort(authority)
      : authority;
  return manager.stripTrailingHostDot ? stripped.replace(/\.(:\d+)?$/, "$1") : stripped;
}

function normalisedPath(manager: HttpConnectionManager, path: string): string | LocalReply {
  const query = path.indexOf("?");
  let name = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? "" : path.slice(query);
  const action = manager.pathWithEscapedSlashesAction ?? "IMPLEMENTATION_SPECIFIC_DEFAULT";
  if (/%2f|%5c/i.test(name)) {
    if (action === "REJECT_REQUEST") return { status: 400, by: "escaped slashes in the path" };
    if (action === "UNESCAPE_AND_REDIRECT" || action === "UNESCAPE_AND_FORWARD") {
      name = name.replace(/%2f/gi, "/").replace(/%5c/gi, "\\");
      if (action === "UNESCAPE_AND_REDIRECT")
        return { status: 307, headers: { location: name + rest }, by: "escaped slashes in the path" };
    }
  }
  if (manager.normalizePath) name = withoutDots(name.replaceAll("\\", "/"));
  if (manager.mergeSlashes) name = name.replace(/\/{2,}/g, "/");
  return name + rest;
}

function withoutDots(path: string): string {
  if (!/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) return path;
  const output: string[] = [];
  const segments = path.split("/");
  segments.forEach((segment, index) => {
    const plain = segment.replace(/%2e/gi, ".");
    const last = index === segments.length - 1;
    if (plain === "..") {
      if (output.length > 1) output.pop();
      if (last) output.push("");
    } else if (plain === ".") {
      if (last) output.push("");
    } else output.push(segment);
  });
  return output.join("/") || "/";
}
