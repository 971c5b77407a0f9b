import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import {
  bundleEndpoint,
  bundlePem,
  createCsr,
  domainBundle,
  followBundle,
  jwtAuthority,
  marshalSpiffeBundle,
  memoryKeyManager,
  newPrivateKey,
  rotateRoot,
  selfSignedAuthority,
} from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { listenWorkloadApi } from "@fairlead/ca/workload-api";
import { workloadSpiffeId } from "@fairlead/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const here = await hasTool("go", ["version"], "the Workload API with go-spiffe as its client");
const trustDomain = "shop.example";
const identity = workloadSpiffeId(trustDomain, "default", "web");

/** A running go-spiffe client: what it has said so far, by kind. */
function client(binary: string, ...args: string[]) {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "inherit"] });
  const said: { kind: string; value: unknown }[] = [];
  createInterface(child.stdout).on("line", (line) => said.push(JSON.parse(line)));
  return {
    all: (kind: string) => said.filter((one) => one.kind === kind).map(({ value }) => value),
    end: () => child.kill("SIGKILL"),
  };
}

describe.skipIf(!here)("the Workload API, with go-spiffe as its client", () => {
  const binary = join(import.meta.dirname, "../../.cache/go-workload-api");
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "workload-"));
    await mkdir(join(binary, ".."), { recursive: true });
    // Go's own cache makes all but the first time short.
    await run("go", ["build", "-o", binary, "."], {
      cwd: join(import.meta.dirname, "go-workload-api"),
      timeout: 600_000,
    });
  }, 610_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("X.509-SVIDs that verify, JWT-SVIDs, bundles of two trust domains, renewals and a new root seen by the watcher", async () => {
    const keys = memoryKeyManager();
    await using authority = await selfSignedAuthority({ trustDomain, keys, pollSeconds: 0 });
    await using jwt = await jwtAuthority({ trustDomain, keys, pollSeconds: 0 });
    await using foreign = await selfSignedAuthority({
      ...{ trustDomain: "partner.example", keys: memoryKeyManager(), pollSeconds: 0 },
    });
    await using agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
    const path = join(folder, "workload.sock");
    const listener = await listenWorkloadApi({
      ...{ address: `unix:${path}`, agent, jwt },
      bundle: domainBundle(authority, jwt),
      federated: [domainBundle(foreign)],
    });
    const go = client(binary, path, "orders");
    try {
      await expect.poll(() => go.all("x509").length, { timeout: 20_000 }).toBe(1);
      expect(go.all("error")).toEqual([]);
      const bundles = { "partner.example": 1, [trustDomain]: 1 };
      expect(go.all("x509")[0]).toMatchObject({ id: identity.uri, verified: true, bundles });
      expect(go.all("x509-bundles")).toEqual([bundles]);
      expect(go.all("jwt-bundles")).toEqual([{ [trustDomain]: [jwt.slots[0]?.id], "partner.example": [] }]);
      expect(go.all("jwt")).toEqual([
        expect.objectContaining({ id: identity.uri, remote: identity.uri, audience: ["orders"] }),
      ]);
      expect(String(go.all("other-audience")[0])).toContain("InvalidArgument");

      await agent.rotate();
      await expect.poll(() => go.all("x509").length).toBe(2);
      const [first, second] = go.all("x509") as { serial: string; verified: boolean }[];
      expect(second).toMatchObject({ verified: true });
      expect(second?.serial).not.toBe(first?.serial);

      const serials = () => new Set((go.all("x509") as { serial: string }[]).map(({ serial }) => serial)).size;
      await rotateRoot(authority, {
        distributed: () =>
          expect.poll(() => go.all("x509").at(-1)).toMatchObject({ bundles: { [trustDomain]: 2 }, verified: true }),
        renewed: () => expect.poll(serials).toBe(3),
      });
      await expect.poll(() => go.all("x509").at(-1)).toMatchObject({ bundles: { [trustDomain]: 1 }, verified: true });
      expect((go.all("x509") as { verified: boolean }[]).every(({ verified }) => verified)).toBe(true);
      expect(go.all("watch-error")).toEqual([]);
    } finally {
      go.end();
      await listener.close();
    }
  });

  it("federation in both directions and both profiles: bundle endpoints that the other reads", async () => {
    const keys = memoryKeyManager();
    await using authority = await selfSignedAuthority({ trustDomain, keys, pollSeconds: 0 });
    await using jwt = await jwtAuthority({ trustDomain, keys, pollSeconds: 0 });
    await authority.prepare();
    const source = domainBundle(authority, jwt);
    const key = newPrivateKey("ec-p256");
    const endpoint = workloadSpiffeId(trustDomain, "mesh", "bundle");
    const { certificateChain } = await authority.issue({
      ...{ csr: createCsr({ key }), identity: endpoint, ipAddresses: ["127.0.0.1"] },
    });
    const files = {
      roots: bundlePem(authority.trustBundle),
      chain: certificateChain.join(""),
      key: String(key.export({ type: "pkcs8", format: "pem" })),
      bundle: marshalSpiffeBundle(source.trustBundle),
    };
    const at = (name: keyof typeof files) => join(folder, name);
    for (const name of Object.keys(files) as (keyof typeof files)[]) await writeFile(at(name), files[name]);

    const server = createServer({ key: files.key, cert: files.chain }, bundleEndpoint(source));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const fetched = async (...id: string[]) =>
      JSON.parse((await run(binary, ["fetch", trustDomain, url, at("roots"), ...id])).stdout);
    const { sequence } = source.trustBundle;
    const read = { kind: "bundle", value: { x509: 2, jwt: [jwt.slots[0]?.id], sequence, hint: 300 } };
    expect(await fetched()).toEqual(read);
    expect(await fetched(endpoint.uri)).toEqual(read);
    expect(await fetched(`${endpoint.uri}x`)).toMatchObject({ kind: "error" });
    server.closeAllConnections();
    server.close();

    const go = client(binary, "serve", trustDomain, at("bundle"), at("chain"), at("key"));
    try {
      await expect.poll(() => go.all("url").length, { timeout: 20_000 }).toBe(1);
      for (const profile of [
        { type: "https_web", roots: files.roots },
        { type: "https_spiffe", id: endpoint, bundle: authority.trustBundle },
      ] as const) {
        const followed = followBundle({ trustDomain, url: String(go.all("url")[0]), profile });
        await expect.poll(() => followed.bundle?.jwtAuthorities).toEqual(jwt.jwtAuthorities);
        expect(followed.bundle?.x509Authorities.toSorted()).toEqual(authority.trustBundle.x509Authorities.toSorted());
        followed.close();
      }
    } finally {
      go.end();
    }
  });
});
