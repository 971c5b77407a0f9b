import { type MeshProxyConfig, meshProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import type { MeshConfig } from "../kinds/mesh-config/schema.ts";
import { messageInfo } from "../schema/message.ts";

/**
 * Puts a mesh configuration on top of another. A field that is there replaces the one below; merged field by field are
 * `defaultConfig` and `defaultProviders`, by name `extensionProviders`, as a set `trustDomainAliases`.
 * Source: Istio `pkg/config/mesh`, `ApplyMeshConfig`.
 */
export function mergeMeshConfig(below: MeshConfig, above: MeshConfig): MeshConfig {
  const merged: MeshConfig = { ...below, ...above };
  const { defaultConfig, defaultProviders } = above;
  // The upper ones go first, so that they are found by the index they have in their document.
  const own = above.extensionProviders ?? [];
  const providers = [
    ...own,
    ...(below.extensionProviders ?? []).filter(({ name }) => !own.some((provider) => provider.name === name)),
  ];
  const aliases = new Set([...(above.trustDomainAliases ?? []), ...(below.trustDomainAliases ?? [])]);
  return {
    ...merged,
    ...(below.defaultConfig && { defaultConfig: mergeProxyConfig(below.defaultConfig, defaultConfig ?? {}) }),
    ...(defaultProviders && { defaultProviders: { ...below.defaultProviders, ...defaultProviders } }),
    extensionProviders: providers,
    trustDomainAliases: [...aliases].sort(),
  };
}

/** Puts a proxy configuration (of the mesh, an annotation, a ProxyConfig) on top of another. */
export function mergeProxyConfig(below: MeshProxyConfig, above: MeshProxyConfig): MeshProxyConfig {
  const kept: Record<string, unknown> = { ...below };
  // Of a oneof only one can be set: the upper one takes the lower one's place.
  for (const group of messageInfo(meshProxyConfig)?.oneofs ?? [])
    if (group.some((field) => field in above)) for (const field of group) delete kept[field];
  return {
    ...kept,
    ...above,
    ...((below.proxyMetadata || above.proxyMetadata) && {
      proxyMetadata: { ...below.proxyMetadata, ...above.proxyMetadata },
    }),
    ...(above.proxyHeaders && { proxyHeaders: { ...below.proxyHeaders, ...above.proxyHeaders } }),
  } as MeshProxyConfig;
}
