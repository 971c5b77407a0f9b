import type { HttpDirectResponse, HttpRedirect } from "@fairlead/config";
import type { DirectResponseAction, RedirectAction, RedirectAction_RedirectResponseCode } from "../../proto/types.ts";

const CODES: ReadonlyMap<number, RedirectAction_RedirectResponseCode | undefined> = new Map([
  [0, undefined],
  [301, undefined],
  [302, "FOUND"],
  [303, "SEE_OTHER"],
  [307, "TEMPORARY_REDIRECT"],
  [308, "PERMANENT_REDIRECT"],
]);

/**
 * A redirect of requests to `port`; undefined when Envoy does not know the status code (it knows 301, 302, 303, 307
 * and 308). Source: Istio API, `HTTPRedirect`.
 */
export function redirectAction(redirect: HttpRedirect, port: number, tls: boolean): RedirectAction | undefined {
  const code = redirect.redirectCode ?? 0;
  if (!CODES.has(code)) return undefined;
  const responseCode = CODES.get(code);
  const portRedirect = redirectPort(redirect, port, redirect.scheme || (tls ? "https" : "http"));
  return {
    ...(redirect.prefixRewrite ? { prefixRewrite: redirect.prefixRewrite } : { pathRedirect: redirect.uri ?? "" }),
    ...(redirect.authority ? { hostRedirect: redirect.authority } : {}),
    ...(redirect.scheme ? { schemeRedirect: redirect.scheme } : {}),
    ...(portRedirect ? { portRedirect } : {}),
    ...(responseCode ? { responseCode } : {}),
  };
}

/** The port to name in the location: not the one that the scheme means anyway. */
function redirectPort(redirect: HttpRedirect, port: number, scheme: string): number {
  const stated = redirect.port ?? (redirect.derivePort === "FROM_REQUEST_PORT" ? port : 0);
  return (stated === 80 && scheme === "http") || (stated === 443 && scheme === "https") ? 0 : stated;
}

/** Source: Istio API, `HTTPDirectResponse`. */
export function directResponseAction(response: HttpDirectResponse): DirectResponseAction {
  const { status, body } = response;
  if (body?.string !== undefined) return { status, body: { inlineString: body.string } };
  return body?.bytes === undefined ? { status } : { status, body: { inlineBytes: body.bytes } };
}
