import type { Authority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { channelCredentials } from "@fairlead/ca/grpc";
import { workloadSpiffeId } from "@fairlead/model";
import { type XdsConfigOptions, type XdsConfigStore, xdsConfigStore } from "@fairlead/xds/config";

export interface ReceivedConfigOptions extends Omit<XdsConfigOptions, "credentials" | "node"> {
  /** Certifies both sides; without it the configuration comes in the clear. Stays the caller's to close. */
  readonly authority?: Authority;
  /** The root namespace of both meshes. Default `istio-system`. */
  readonly rootNamespace?: string;
}

/**
 * What another control plane shares (`shareConfig`), over mutual TLS under an authority of both. The certificate is of the
 * control plane's own identity and is renewed; the other side's must carry the host of `address`. The caller closes it.
 */
export async function receivedConfig({
  authority,
  rootNamespace = "istio-system",
  ...options
}: ReceivedConfigOptions): Promise<XdsConfigStore> {
  const namespaced = `fairlead.${rootNamespace}~${rootNamespace}.svc.cluster.local`;
  const connection = { ...options, node: { id: `waypoint~127.0.0.1~${namespaced}` } };
  if (!authority) return xdsConfigStore(connection);
  const identity = workloadSpiffeId(authority.trustDomain, rootNamespace, "istiod");
  const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  await agent.ready;
  const credentials = channelCredentials(agent, options.address);
  const store = xdsConfigStore({ ...connection, credentials });
  const end = store.close.bind(store);
  store.close = () => {
    end();
    void agent.close();
  };
  return store;
}
