import { type Query, type Reader, visibleServices } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { AnyMessage, HttpFilter } from "../proto/types.ts";
import { typed } from "./listener/typed.ts";

const COOKIE_LABEL = "istio.io/persistent-session";
const HEADER_LABEL = "istio.io/persistent-session-header";

type Labelled = Pick<Service, "labels">;

/** Sessions are pinned to an endpoint by a cookie or a header. Source: Istio's labels for persistent sessions. */
export function keepsSessions({ labels }: Labelled): boolean {
  return Boolean(labels[COOKIE_LABEL] || labels[HEADER_LABEL]);
}

const FILTER = "envoy.filters.http.stateful_session";

const inNamespace: Query<string, boolean> = {
  name: "stateful-session-in-namespace",
  key: (namespace) => namespace,
  compute: (read, namespace) => (read.bucket("services", namespace) ?? []).some(keepsSessions),
};

const anySession: Query<void, boolean> = {
  name: "any-stateful-session",
  key: () => "",
  // What the node sees costs more to find out, and hardly any mesh has a session.
  compute: (read) =>
    (read.bucket("serviceNamespaces", "") ?? []).some((namespace) => read.ask(inNamespace, namespace)) &&
    visibleServices(read).some(keepsSessions),
};

/** The filter without a session of its own: routes of services with sessions carry them. None where no service has any. */
export function sessionFilters(read: Reader): HttpFilter[] {
  if (!read.ask(anySession, undefined)) return [];
  return [
    { name: FILTER, typedConfig: typed("envoy.extensions.filters.http.stateful_session.v3.StatefulSession", {}) },
  ];
}

/**
 * What routes to a service carry: the endpoint of a session in a cookie (`NAME` or `NAME:PATH`, kept until the client ends)
 * or a header. Source: Istio `util.MaybeBuildStatefulSessionFilterConfig`.
 */
export function sessionSettings({ labels }: Labelled): Readonly<Record<string, AnyMessage>> | undefined {
  const cookie = labels[COOKIE_LABEL];
  const header = labels[HEADER_LABEL];
  if (cookie) {
    const colon = cookie.indexOf(":");
    const [name, path] = colon < 0 ? [cookie, "/"] : [cookie.slice(0, colon), cookie.slice(colon + 1)];
    return perRoute("envoy.http.stateful_session.cookie", {
      "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
      cookie: { name, ...(path ? { path } : {}) },
    });
  }
  if (!header) return undefined;
  return perRoute("envoy.http.stateful_session.header", {
    "@type": "type.googleapis.com/envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState",
    name: header,
  });
}

function perRoute(name: string, typedConfig: AnyMessage): Readonly<Record<string, AnyMessage>> {
  return {
    [FILTER]: typed("envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute", {
      statefulSession: { sessionState: { name, typedConfig } },
    }),
  };
}
