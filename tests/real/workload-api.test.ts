import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { domainBundle, jwtAuthority, memoryKeyManager, rotateRoot, selfSignedAuthority } from "@fairlead/ca";
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
});
