import type { Authority } from "@fairlead/ca";
import { type Agent, createAgent, inProcessClient } from "@fairlead/ca/agent";
import { workloadSpiffeId } from "@fairlead/model";
import { ControlPlaneError } from "./control-plane-error.ts";

/** Certificates of the control plane itself, kept fresh like any workload's. */
export interface OwnCertificates {
  /** The one with these host names and addresses. Rejects with `insecure` where there is no authority. */
  agent(names: readonly string[]): Promise<Agent>;
  /** Roots to take clients' certificates of besides the authority's, PEM. */
  setFurtherRoots(roots: readonly string[]): void;
  close(): Promise<void>;
}

/** The identity is Istio's: `ns/istio-system/sa/istiod`. */
export function ownCertificates(authority: Authority | undefined): OwnCertificates {
  const agents = new Map<string, Promise<Agent>>();
  let further: readonly string[] = [];
  const make = async (names: readonly string[]): Promise<Agent> => {
    if (!authority)
      throw new ControlPlaneError("insecure", "mutual TLS needs an authority; give one, or ask for plaintext");
    const identity = workloadSpiffeId(authority.trustDomain, "istio-system", "istiod");
    const isAddress = (name: string) => /^[\d.]+$|:/.test(name);
    const agent = createAgent({
      identity,
      ca: inProcessClient(authority, identity, {
        dnsNames: names.filter((name) => !isAddress(name)),
        ipAddresses: names.filter(isAddress),
      }),
      extraRoots: further,
    });
    await agent.ready;
    return agent;
  };
  return {
    agent(names) {
      const key = names.join(" ");
      let made = agents.get(key);
      if (!made) {
        made = make(names);
        agents.set(key, made);
        made.catch(() => agents.delete(key));
      }
      return made;
    },
    setFurtherRoots(roots) {
      further = roots;
      for (const agent of agents.values()) agent.then((one) => one.setExtraRoots(roots)).catch(() => undefined);
    },
    async close() {
      await Promise.all([...agents.values()].map(async (agent) => (await agent).close()));
    },
  };
}
