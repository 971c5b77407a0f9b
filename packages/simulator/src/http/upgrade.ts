import type { HttpConnectionManager, RouteAction } from "../envoy.ts";
import type { LocalReply } from "../filter/outcome.ts";
import type { HttpSubject } from "../subject.ts";

/**
 * The 403 to a request for another protocol (an HTTP/1.1 upgrade, CONNECT) that neither the route nor the connection manager
 * allows; no filter sees it. Where no route matches it is the 404 of any request. Source: `upgrade_configs` of HttpConnectionManager and RouteAction.
 */
export function upgradeRefusal(
  manager: HttpConnectionManager,
  action: RouteAction | undefined,
  request: HttpSubject,
): LocalReply | undefined {
  const wanted = upgradeOf(request);
  if (wanted === undefined) return undefined;
  const isWanted = ({ upgradeType = "" }: { readonly upgradeType?: string }) => upgradeType.toLowerCase() === wanted;
  const own = action?.upgradeConfigs?.find(isWanted);
  const allowed = own
    ? own.enabled !== false
    : manager.upgradeConfigs?.some((one) => isWanted(one) && one.enabled !== false);
  return allowed ? undefined : { status: 403, by: `upgrade to ${wanted} is not allowed` };
}

function upgradeOf({ headers }: HttpSubject): string | undefined {
  if (headers.get(":method") === "CONNECT") return "connect";
  const isUpgrade = headers
    .get("connection")
    ?.split(",")
    .some((token) => token.trim().toLowerCase() === "upgrade");
  return isUpgrade ? headers.get("upgrade")?.toLowerCase() : undefined;
}
