import { parseNode } from "@fairlead/model";
import { XdsError } from "@fairlead/xds";
import { asksForConfig, type ConfigSource } from "@fairlead/xds/config";
import type { ResourceSource } from "@fairlead/xds/server";

/**
 * Shows `mesh` to proxies and `config` to other control planes, which say by `GENERATOR: api` that they are none. They must
 * be of the root namespace, as istiod wants it; where the listener checks who connects, that is proved. Refuses them all
 * where `config` is undefined: no answer would read as no configuration.
 */
export function withSharedConfig(
  mesh: ResourceSource,
  config: ConfigSource | undefined,
  rootNamespace: () => string,
): ResourceSource {
  return {
    open(node, peer, changed) {
      if (!asksForConfig(node)) return mesh.open(node, peer, changed);
      if (!config) throw new XdsError("invalid-node", "this control plane does not share its configuration");
      const { namespace } = parseNode(node).node ?? {};
      const root = rootNamespace();
      if (namespace !== root)
        throw new XdsError(
          "invalid-node",
          `configuration is for control planes, whose node is of namespace ${root}, not ${namespace ?? "none"}`,
        );
      return config.open(node, peer, changed);
    },
  };
}
