import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  bundleEndpoint,
  createCsr,
  inspectCertificate,
  memoryKeyManager,
  newPrivateKey,
  rotateRoot,
  type SelfSignedAuthority,
  selfSignedAuthority,
} from "@fairlead/ca";
import { createAgent, followRoots, inProcessClient } from "@fairlead/ca/agent";
import { clientCertificate, grpcCaClient, joinTokens } from "@fairlead/ca/grpc";
import { defaultMeshConfig, textStore } from "@fairlead/config";
import { workloadSpiffeId } from "@fairlead/model";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createControlPlane } from "./control-plane.ts";
import { trustRoots } from "./trust-roots.ts";

const trustDomain = "cluster.local";
const identity = workloadSpiffeId(trustDomain, "shop", "web");
const node = { id: "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local", metadata: { NAMESPACE: "shop" } };
const open: (() => unknown)[] = [];
const authorityOf = async (domain = trustDomain) => {
  const made = await selfSignedAuthority({ trustDomain: domain, keys: memoryKeyManager(), pollSeconds: 0 });
  open.push(() => made.close());
  return made;
};
let authority: SelfSignedAuthority;
let other: SelfSignedAuthority;
beforeEach(async () => {
  authority = await authorityOf();
  other = await authorityOf();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
const pem = (of: SelfSignedAuthority) => of.trustBundle.x509Authorities.join("");

describe("roots from everywhere", () => {
  const read = (caCertificates: object[], more: object = {}) => {
    const changes: number[] = [];
    const roots = trustRoots(authority, () => changes.push(1));
    open.push(() => roots.close());
    roots.update({ ...defaultMeshConfig(), caCertificates, ...more });
    const names = () => [...roots.resources().resources.keys()];
    return { roots, changes, names };
  };

  it("the mesh configuration adds to the authority's; equal content is one object", () => {
    const { roots, names } = read([{ pem: pem(other) }, { pem: pem(other), trustDomains: [trustDomain] }]);
    expect(roots.further).toHaveLength(1);
    expect(names()).toEqual([""]);
    const before = roots.resources();
    roots.update({ ...defaultMeshConfig(), caCertificates: [{ pem: pem(other) }] });
    expect(roots.resources()).toBe(before);
  });

  it("another trust domain's are reported and not given; an alias is no other", () => {
    const foreign = [{ pem: pem(other), trustDomains: ["partner.example"] }];
    const { roots } = read(foreign);
    expect(roots.further).toEqual([]);
    expect(roots.diagnostics).toMatchObject([{ severity: "warning", path: "caCertificates[0].trustDomains" }]);
    const aliased = read(foreign, { trustDomainAliases: ["partner.example"] }).roots;
    expect(aliased.further).toHaveLength(1);
    expect(aliased.diagnostics).toEqual([]);
  });

  it("what does not parse is said, and the rest is in force", () => {
    const { roots } = read([{ pem: "nothing" }, { pem: pem(other) }, { spiffeBundleUrl: "http://a/bundle" }]);
    expect(roots.further).toHaveLength(1);
    expect(roots.diagnostics.map(({ path, severity }) => [path, severity])).toEqual([
      ["caCertificates[0].pem", "error"],
      ["caCertificates[2].spiffeBundleUrl", "warning"],
    ]);
  });

  it("a SPIFFE bundle endpoint is followed; one that cannot be verified is said", async () => {
    const key = newPrivateKey("ec-p256");
    const served = await other.issue({ csr: createCsr({ key }), identity, dnsNames: ["localhost"] });
    const server = createServer(
      { key: key.export({ type: "pkcs8", format: "pem" }), cert: served.certificateChain.join("") },
      bundleEndpoint(other),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push(() => server.close());
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
    const { roots } = read([{ spiffeBundleUrl: url }]);
    // Its certificate is of no public authority.
    await expect.poll(() => roots.diagnostics[0]?.message).toContain("REQUEST_FAILED");
    expect(roots.further).toEqual([]);
  });
});

describe("agents that follow them", () => {
  it("trust a root of the mesh configuration, and a new one of the authority before anything hangs on it", async () => {
    const plane = await createControlPlane({
      config: textStore({}),
      authority,
      mesh: { meshConfig: { caCertificates: [{ pem: pem(other) }] } },
    });
    open.push(() => plane.close());
    const { ads } = await plane.listen({ ads: "localhost:0" });
    const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    open.push(() => agent.close());
    await agent.ready;
    const problems: string[] = [];
    const following = await followRoots({
      agent,
      address: ads,
      node,
      onDisconnect: ({ message }) => problems.push(message),
    });
    open.push(() => following.close());
    const count = () => {
      const roots = agent.get("ROOTCA");
      return roots?.kind === "trust-bundle" ? inspectCertificate(roots.roots).length : 0;
    };
    await expect.poll(count, { message: problems.join() }).toBe(2);
    await rotateRoot(authority, {
      distributed: async (bundle) => {
        await plane.converged();
        await expect.poll(count).toBe(bundle.x509Authorities.length + 1);
      },
      renewed: async () => undefined,
    });
    await expect.poll(count).toBe(2);
    expect(problems).toEqual([]);
  });

  it("lose a root that is taken back at once, by renewing", async () => {
    const plane = await createControlPlane({ config: textStore({}), authority });
    open.push(() => plane.close());
    const tokens = joinTokens();
    const authenticators = [clientCertificate({ authority }), tokens];
    const { ads, certificates = "" } = await plane.listen({
      ...{ ads: "localhost:0", certificates: { address: "localhost:0", authenticators } },
    });
    const ca = grpcCaClient({ address: certificates, roots: pem(authority), token: tokens.add({ identity }) });
    const agent = createAgent({ identity, ca });
    open.push(() => agent.close());
    await agent.ready;
    const following = await followRoots({ agent, address: ads, node, spreadMs: 0 });
    open.push(() => following.close());
    const ids = () => {
      const roots = agent.get("ROOTCA");
      return roots?.kind === "trust-bundle"
        ? inspectCertificate(roots.roots).map(({ subjectKeyId }) => subjectKeyId)
        : [];
    };
    const old = authority.authorityId;
    const next = await authority.prepare();
    await expect.poll(ids).toContain(next.id);
    await authority.activate(next.id);
    await agent.rotate();
    await authority.retire(old, { force: true });
    await expect.poll(ids).toEqual([next.id]);
  });
});
