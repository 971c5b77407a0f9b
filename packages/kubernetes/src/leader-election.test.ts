import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesClient, kubernetesClient } from "./client.ts";
import { type LeaderElection, type LeaderElectionOptions, leaderElection } from "./leader-election.ts";
import { RESOURCES } from "./resource-type.ts";
import { eventually } from "./testing/deadline.ts";
import { type FakeApiServer, fakeApiServer } from "./testing/fake-api-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Seconds scaled down: leases of 150 ms. */
const times = { leaseSeconds: 0.15, renewSeconds: 0.1, retrySeconds: 0.02 };

async function start(): Promise<{ server: FakeApiServer; client: KubernetesClient }> {
  const server = await fakeApiServer();
  const client = kubernetesClient({ server: server.url });
  open.push(server, client);
  return { server, client };
}

function stand(client: KubernetesClient, identity: string, more: Partial<LeaderElectionOptions> = {}): LeaderElection {
  const election = leaderElection(client, { namespace: "mesh", name: "status-writer", identity, ...times, ...more });
  open.push(election);
  return election;
}

const lease = async (client: KubernetesClient) =>
  (await client.get(RESOURCES.leases, "status-writer", { namespace: "mesh" })).spec as Record<string, unknown>;

describe("leaderElection", () => {
  it("elects one of several, who renews", async () => {
    const { client } = await start();
    const candidates = ["a", "b", "c"].map((identity) => stand(client, identity));
    await eventually("a leader", () => candidates.some(({ leading }) => leading));
    const first = (await lease(client)).renewTime;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(candidates.filter(({ leading }) => leading)).toHaveLength(1);
    const { renewTime, acquireTime, holderIdentity, leaseTransitions } = await lease(client);
    expect(renewTime).not.toBe(first);
    expect(acquireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(leaseTransitions).toBe(0);
    expect(candidates.map(({ leader }) => leader)).toEqual([holderIdentity, holderIdentity, holderIdentity]);
  });

  it("hands over at once when the leader steps down in good order", async () => {
    const { client } = await start();
    let term: AbortSignal | undefined;
    const a = stand(client, "a", { leaseSeconds: 60, renewSeconds: 50, onElected: (signal) => (term = signal) });
    await eventually("a leads", () => a.leading);
    const b = stand(client, "b", { leaseSeconds: 60, renewSeconds: 50 });
    await a.close();
    await a.close();
    expect(a.leading).toBe(false);
    expect(term?.aborted).toBe(true);
    await eventually("b leads", () => b.leading);
    expect(await lease(client)).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  it("replaces a leader that died, not before its lease has run out", async () => {
    const { server, client } = await start();
    const holder = { holderIdentity: "dead", leaseDurationSeconds: 1, renewTime: "2000-01-01T00:00:00.000000Z" };
    const metadata = { name: "status-writer", namespace: "mesh" };
    server.put({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec: holder });
    const begun = performance.now();
    const a = stand(client, "a");
    await eventually("a leads", () => a.leading);
    // An old renewTime does not count: clocks of machines differ.
    expect(performance.now() - begun).toBeGreaterThan(990);
  });

  it("steps down by itself when it cannot renew, before others may take over", async () => {
    const { server, client } = await start();
    const errors: string[] = [];
    const a = stand(client, "a", { leaseSeconds: 1, renewSeconds: 0.4, onError: ({ code }) => errors.push(code) });
    await eventually("a leads", () => a.leading);
    server.fail(Number.POSITIVE_INFINITY, 503);
    const begun = performance.now();
    await eventually("a steps down", () => !a.leading);
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(errors).toContain("server-error");
  });

  it("steps down when someone else holds the lease", async () => {
    const { server, client } = await start();
    const a = stand(client, "a", { leaseSeconds: 60, renewSeconds: 50 });
    await eventually("a leads", () => a.leading);
    const current = await client.get(RESOURCES.leases, "status-writer", { namespace: "mesh" });
    const { resourceVersion: _version, ...metadata } = current.metadata;
    server.put({ ...current, metadata, spec: { holderIdentity: "thief", leaseDurationSeconds: 60, renewTime: "x" } });
    await eventually("a steps down", () => !a.leading);
    expect(a.leader).toBe("thief");
  });

  it("refuses times that exclude nothing", async () => {
    const { client } = await start();
    expect(() => stand(client, "a", { leaseSeconds: 1, renewSeconds: 2 })).toThrow(
      expect.objectContaining({ code: "bad-options" }),
    );
  });
});
