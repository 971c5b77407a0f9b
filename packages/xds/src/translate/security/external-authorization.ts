import {
  type ConfigObject,
  type ExtAuthzGrpcProvider,
  type ExtAuthzHttpProvider,
  type ExtAuthzRequestBody,
  refOf,
} from "@fairlead/config";
import { meshConfigOf, type Reader } from "@fairlead/mesh";
import type {
  EnvoyMessages,
  HttpExtAuthz,
  MetadataMatcher,
  NetworkExtAuthz,
  StringMatcher,
} from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { providerCluster } from "../listener/provider-cluster.ts";
import { defined, typed } from "../listener/typed.ts";
import type { SecurityFilter } from "./authorization.ts";
import type { Protocol } from "./conditions.ts";

/** How an external authorizer is asked. Only one that speaks gRPC can be asked about connections. */
export type ExternalAuthorization =
  | { readonly http: HttpExtAuthz; readonly tcp?: NetworkExtAuthz; readonly problem?: never }
  | { readonly problem: string };

type ListStringMatcher = NonNullable<EnvoyMessages["envoy.type.matcher.v3.ListStringMatcher"]>;

const DEFAULT_TIMEOUT = "600s";

/** The authorizer that the mesh configuration has under a name. */
export function externalAuthorization(read: Reader, name: string): ExternalAuthorization {
  const { extensionProviders = [] } = meshConfigOf(read);
  const named = extensionProviders.filter(
    (provider) => provider.name === name && (provider.envoyExtAuthzGrpc || provider.envoyExtAuthzHttp),
  );
  const [provider] = named;
  if (!provider) return { problem: `the mesh configuration has no external authorizer ${JSON.stringify(name)}` };
  if (named.length > 1) return { problem: `the mesh configuration has several providers ${JSON.stringify(name)}` };
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    return { problem: `provider name ${JSON.stringify(name)} is not a DNS label` };
  const config = provider.envoyExtAuthzHttp ?? provider.envoyExtAuthzGrpc ?? {};
  if (!config.port || config.port > 65_535) return { problem: `provider ${name} has no port from 1 to 65535` };
  const target = providerCluster(read, config.service, config.port);
  if (target.problem !== undefined) return { problem: `provider ${name} ${target.problem}` };
  const code = config.statusOnError ? Number(config.statusOnError) : undefined;
  if (code !== undefined && !(code >= 100 && code <= 599))
    return { problem: `provider ${name} has statusOnError ${config.statusOnError}, which is not an HTTP status` };
  const common = defined<HttpExtAuthz>({
    transportApiVersion: "V3",
    failureModeAllow: config.failOpen || undefined,
    clearRouteCache: config.clearRouteCache || undefined,
    statusOnError: code === undefined ? undefined : { code: code as never },
    withRequestBody: requestBody(config.includeRequestBodyInCheck),
  });
  if (provider.envoyExtAuthzHttp) return overHttp(provider.envoyExtAuthzHttp, common, target);
  return overGrpc(provider.envoyExtAuthzGrpc ?? {}, common, target);
}

interface Target {
  readonly cluster: string;
  readonly hostname: string;
}

function overGrpc(config: ExtAuthzGrpcProvider, common: HttpExtAuthz, target: Target): ExternalAuthorization {
  const grpcService = {
    envoyGrpc: { clusterName: target.cluster, authority: target.hostname },
    timeout: durationOf(config.timeout) ?? DEFAULT_TIMEOUT,
  };
  return {
    http: { ...common, grpcService },
    tcp: defined<NetworkExtAuthz>({
      statPrefix: "tcp.",
      failureModeAllow: config.failOpen || undefined,
      transportApiVersion: "V3",
      grpcService,
    }),
  };
}

function overHttp(config: ExtAuthzHttpProvider, common: HttpExtAuthz, target: Target): ExternalAuthorization {
  if (config.pathPrefix && !config.pathPrefix.startsWith("/"))
    return { problem: `provider ${config.service} has pathPrefix ${config.pathPrefix}, which does not begin with "/"` };
  const toUpstream = headerPatterns(config.headersToUpstreamOnAllow);
  const onDeny = headerPatterns(config.headersToDownstreamOnDeny);
  const onAllow = headerPatterns(config.headersToDownstreamOnAllow);
  const added = Object.entries(config.includeAdditionalHeadersInCheck ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
  return {
    http: defined<HttpExtAuthz>({
      ...common,
      allowedHeaders:
        headerPatterns(config.includeRequestHeadersInCheck) ?? headerPatterns(config.includeHeadersInCheck),
      httpService: defined<NonNullable<HttpExtAuthz["httpService"]>>({
        pathPrefix: config.pathPrefix || undefined,
        serverUri: {
          // Envoy asks for a URI and does not use it.
          uri: `http://${target.hostname}`,
          cluster: target.cluster,
          timeout: durationOf(config.timeout) ?? DEFAULT_TIMEOUT,
        },
        authorizationRequest: added.length > 0 ? { headersToAdd: added } : undefined,
        authorizationResponse:
          toUpstream || onDeny || onAllow
            ? defined({
                allowedUpstreamHeaders: toUpstream,
                allowedClientHeaders: onDeny,
                allowedClientHeadersOnSuccess: onAllow,
              })
            : undefined,
      }),
    }),
  };
}

/** Header names in any case, with `*` at either end. */
function headerPatterns(names: readonly string[] | undefined): ListStringMatcher | undefined {
  if (!names || names.length === 0) return undefined;
  return {
    patterns: names.map((name): StringMatcher => {
      if (name.startsWith("*")) return { suffix: name.slice(1), ignoreCase: true };
      return name.endsWith("*") ? { prefix: name.slice(0, -1), ignoreCase: true } : { exact: name, ignoreCase: true };
    }),
  };
}

function requestBody(body: ExtAuthzRequestBody | undefined): HttpExtAuthz["withRequestBody"] | undefined {
  return (
    body &&
    defined({
      maxRequestBytes: body.maxRequestBytes || undefined,
      allowPartialMessage: body.allowPartialMessage || undefined,
      packAsBytes: body.packAsBytes || undefined,
    })
  );
}

/** The filter that asks, for what the policies of this provider were found to match. */
export function enabledFor(
  protocol: Protocol,
  authorizer: Extract<ExternalAuthorization, { readonly http: unknown }>,
  provider: string,
  policies: readonly ConfigObject<"AuthorizationPolicy">[],
): SecurityFilter {
  const filterEnabledMetadata: MetadataMatcher = {
    filter: `envoy.filters.${protocol === "http" ? "http" : "network"}.rbac`,
    path: [{ key: "istio_ext_authz_shadow_effective_policy_id" }],
    value: { stringMatch: { prefix: `istio-ext-authz-${provider}` } },
  };
  return protocol === "http"
    ? {
        name: "envoy.filters.http.ext_authz",
        typedConfig: typed("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", {
          ...authorizer.http,
          filterEnabledMetadata,
        }),
        sources: policies.map(refOf),
      }
    : {
        name: "envoy.filters.network.ext_authz",
        typedConfig: typed("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz", {
          ...authorizer.tcp,
          filterEnabledMetadata,
        }),
        sources: policies.map(refOf),
      };
}
