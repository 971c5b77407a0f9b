import { workloadSpiffeId } from "@fairlead/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import type { AuditRecord } from "../authority/audit.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { readCertificates } from "../certificate/parse.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { readRevocations } from "../trust/crl.ts";
import { type AuthorityClient, followRevocationLists, grpcAuthorityClient } from "./authority-client.ts";
import { grpcCaClient } from "./client.ts";
import { clientCertificate } from "./client-certificate.ts";
import { type CertificateListener, listenCertificateService } from "./listen.ts";

const trustDomain = "cluster.local";

describe("an authority over the network", () => {
  let authority: SelfSignedAuthority;
  let server: CertificateListener;
  const agents: Agent[] = [];
  const records: AuditRecord[] = [];
  let admin: AuthorityClient;
  let web: AuthorityClient;
  let webAgent: Agent;

  const agentOf = async (account: string): Promise<Agent> => {
    const identity = workloadSpiffeId(trustDomain, "default", account);
    const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    agents.push(agent);
    await agent.ready;
    return agent;
  };
  const clientOf = (agent: Agent) => grpcAuthorityClient({ address: server.address, identity: agent });
  const serialOf = (agent: Agent) => {
    const secret = agent.get("default");
    return readCertificates(secret?.kind === "key-pair" ? secret.certificateChain : "")[0]?.serial ?? "";
  };

  beforeAll(async () => {
    authority = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
    server = await listenCertificateService({
      ...{ authority, authenticators: [clientCertificate({ authority })], address: "127.0.0.1:0" },
      admins({ identity }) {
        if (identity.path !== "/ns/default/sa/admin") throw new Error("not an admin");
      },
      audit: (record) => records.push(record),
    });
    admin = clientOf(await agentOf("admin"));
    webAgent = await agentOf("web");
    web = clientOf(webAgent);
  });
  afterAll(async () => {
    for (const agent of agents) await agent.close();
    await server.close();
    await authority.close();
  });

  it("shows its roots and their state to every caller of the mesh, without what is inside", async () => {
    const state = await web.state();
    expect(state).toMatchObject({ trustDomain, authorityId: authority.authorityId, slots: [{ status: "active" }] });
    expect(state.trustBundle.x509Authorities).toEqual(authority.trustBundle.x509Authorities);
    expect(JSON.stringify(state)).not.toContain("keyId");
  });

  it.each([
    ["prepare", () => web.prepare()],
    ["revoke", () => web.revoke("40")],
    ["retire", () => web.retire("40")],
  ])("%s is refused to others than its administrators, and audited", async (method, ask) => {
    await expect(ask()).rejects.toThrow(/PERMISSION_DENIED.*may not change the authority/);
    expect(records.at(-1)).toMatchObject({
      ...{ outcome: "refused", code: "POLICY_DENIED", message: expect.stringContaining(method) },
      caller: { authenticator: "client-certificate", identity: "spiffe://cluster.local/ns/default/sa/web" },
    });
    expect(authority.slots).toHaveLength(1);
  });

  it("answers nobody without a certificate of the mesh", async () => {
    await using other = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
    const identity = workloadSpiffeId(trustDomain, "default", "admin");
    await using stranger = createAgent({ identity, ca: inProcessClient(other, identity) });
    await stranger.ready;
    stranger.setExtraRoots(authority.trustBundle.x509Authorities);
    await expect(clientOf(stranger).prepare()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(records.at(-1)).toMatchObject({ outcome: "refused", code: "UNAUTHENTICATED" });
    expect(records.at(-1)?.caller).toBeUndefined();
  });

  it("changes its root to a new key, step by step", async () => {
    const [old] = (await admin.state()).slots;
    const prepared = (await admin.prepare()).slots.find(({ status }) => status === "prepared");
    await expect(admin.activate("ff")).rejects.toThrow(/FAILED_PRECONDITION.*no root ff/);
    await expect(admin.activate("no hex")).rejects.toThrow(/INVALID_ARGUMENT/);
    for (const agent of agents) await agent.rotate();
    expect((await admin.activate(prepared?.id ?? "")).authorityId).toBe(prepared?.id);
    for (const agent of agents) await agent.rotate();
    expect((await admin.taint(old?.id ?? "")).slots.find(({ id }) => id === old?.id)).toMatchObject({ tainted: true });
    expect((await admin.retire(old?.id ?? "")).slots.map(({ id }) => id)).toEqual([prepared?.id]);
    expect(records.filter(({ outcome }) => outcome === "changed").map(({ message }) => message)).toEqual([
      "prepare",
      `activate ${prepared?.id}`,
      `taint ${old?.id}`,
      `retire ${old?.id}`,
    ]);
  });

  it("revokes a workload's certificate: its servers refuse it, its CRL names it, and agents have that", async () => {
    const victim = await agentOf("victim");
    const other = await agentOf("other");
    const [secret] = [victim.get("default")];
    if (secret?.kind !== "key-pair") throw new Error("no certificate");
    const roots = authority.trustBundle.x509Authorities.join("");
    const renew = (agent: Agent) => {
      const current = agent.get("default");
      if (current?.kind !== "key-pair") throw new Error("no certificate");
      const client = grpcCaClient({ address: server.address, roots });
      return createAgent({
        identity: agent.identity,
        ca: { ...client, sign: (request) => client.sign({ ...request, current }) },
      });
    };
    await using follower = await agentOf("follower");
    const following = await followRevocationLists({ client: web, agent: follower });
    const empty = follower.get("ROOTCA");
    expect(empty).toMatchObject({ kind: "trust-bundle", revocationLists: expect.stringContaining("X509 CRL") });
    following.close();

    await admin.revoke(serialOf(victim));
    const [fine, refused] = [renew(other), renew(victim)];
    agents.push(fine, refused);
    await fine.ready;
    await expect(refused.rotate()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    const lists = await web.revocationLists();
    const isRevoked = readRevocations(lists, readCertificates(roots), Date.now());
    const [leaf] = readCertificates(secret.certificateChain);
    const [good] = readCertificates((other.get("default") as typeof secret).certificateChain);
    expect([leaf && isRevoked(leaf), good && isRevoked(good)]).toEqual([true, false]);
    (await followRevocationLists({ client: web, agent: follower })).close();
    const held = follower.get("ROOTCA");
    expect(held?.kind === "trust-bundle" && held.revocationLists).not.toBe(
      empty?.kind === "trust-bundle" && empty.revocationLists,
    );
    await expect(admin.revoke("no hex")).rejects.toThrow(/INVALID_ARGUMENT/);
  });
});
