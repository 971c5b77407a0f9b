import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { identity } from "../../test/support/requests.ts";
import { readCertificates } from "../certificate/parse.ts";
import { createCsr } from "../csr/create.ts";
import type { CaError } from "../error.ts";
import { certificateServiceUpstream, joinTokens, listenCertificateService } from "../grpc/index.ts";
import { newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import { intermediateAuthority } from "./intermediate.ts";
import type { IssuedCertificate } from "./issue.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "./self-signed.ts";
import type { UpstreamAuthority } from "./upstream.ts";

const DAY = 86_400_000;
const trustDomain = "cluster.local";
const clock = fakeClock(Date.now());
let root: SelfSignedAuthority;

/** The root in this process as upstream; `break` makes it fail. */
function upstream() {
  const calls = { count: 0, failure: undefined as Error | undefined };
  const made: UpstreamAuthority = {
    name: "the test's root",
    async mint({ csr, ttlSeconds }) {
      calls.count++;
      if (calls.failure) throw calls.failure;
      return root.issueSubordinate({ csr, ttlSeconds });
    },
    roots: async () => root.trustBundle.x509Authorities,
    close: async () => undefined,
  };
  return { made, calls };
}
const leafRequest = () => ({ csr: createCsr({ key: newPrivateKey("ec-p256") }), identity });
const verify = (issued: IssuedCertificate, roots: readonly string[], at = clock.now()) =>
  verifyX509Svid(issued.certificateChain.join(""), {
    at,
    bundle: () => ({ trustDomain: identity.trustDomain, x509Authorities: roots, sequence: 0, refreshHintSeconds: 0 }),
  });

beforeEach(async () => {
  const ttl = { maxSeconds: 3600, defaultSeconds: 3600 };
  root = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), clock, ttl, pollSeconds: 0 });
});
afterEach(() => root.close());

test("leaves hang on a certificate that the upstream made, and OpenSSL agrees", async () => {
  await using authority = await intermediateAuthority({
    ...{ trustDomain, keys: memoryKeyManager(), clock, pollSeconds: 0 },
    upstream: upstream().made,
  });
  const issued = await authority.issue(leafRequest());
  expect(issued.certificateChain).toHaveLength(2);
  expect(issued.roots).toEqual(root.trustBundle.x509Authorities);
  expect(verify(issued, issued.roots).id.uri).toBe(identity.uri);
  const [signing] = readCertificates(issued.certificateChain[1] ?? "");
  expect(signing).toMatchObject({ basicConstraints: { ca: true, pathLength: 0 }, subjectKeyId: authority.authorityId });
  const folder = await mkdtemp(join(tmpdir(), "fairlead-intermediate-"));
  const file = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const [leaf = "", chain = ""] = issued.certificateChain;
  const { stdout } = await promisify(execFile)("openssl", [
    ...["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", await file("root", issued.roots.join(""))],
    ...["-untrusted", await file("chain", chain), await file("leaf", leaf)],
  ]);
  expect(stdout).toContain("leaf: OK");
  await rm(folder, { recursive: true });
});

test("renewed at half life with a new key; a failing upstream is tried again and nothing is lost", async () => {
  const keys = memoryKeyManager();
  const { made, calls } = upstream();
  const problems: CaError[] = [];
  const options = {
    ...{ trustDomain, keys, clock, upstream: made, pollSeconds: 0, signingTtlSeconds: (2 * DAY) / 1000 },
    ...{ ttl: { maxSeconds: 3600, defaultSeconds: 3600 }, onProblem: (error: CaError) => problems.push(error) },
  };
  const authority = await intermediateAuthority(options);
  const first = authority.authorityId;
  const before = await authority.issue(leafRequest());
  calls.failure = new Error("no route to host");
  await clock.advance(1.25 * DAY);
  expect(authority.authorityId).toBe(first);
  expect(problems[0]?.message).toContain("no route to host");
  expect(calls.count).toBeGreaterThan(3);
  calls.failure = undefined;
  await clock.advance(120_000);
  expect(authority.authorityId).not.toBe(first);
  expect(authority.intermediates).toHaveLength(2);
  expect(verify(before, authority.trustBundle.x509Authorities, before.notBefore.getTime()).id.uri).toBe(identity.uri);
  expect(await keys.listKeys()).toEqual(["intermediate-1", "intermediate-2"]);
  await authority.close();

  calls.failure = new Error("gone");
  await using again = await intermediateAuthority(options);
  expect(again.authorityId).toBe(authority.authorityId);
  await again.issue(leafRequest());
  calls.failure = undefined;
  await clock.advance(7_200_000);
  await again.renew();
  expect(await keys.listKeys()).toEqual(["intermediate-2", "intermediate-3"]);
});

test("the upstream's new root is published before anything hangs on it; its old root waits for the subordinate", async () => {
  await using authority = await intermediateAuthority({
    ...{ trustDomain, keys: memoryKeyManager(), clock, upstream: upstream().made, pollSeconds: 60 },
  });
  let changes = 0;
  authority.subscribe(() => changes++);
  const [old] = root.slots;
  const next = await root.prepare();
  await clock.advance(61_000);
  expect(changes).toBe(1);
  expect(authority.trustBundle).toMatchObject({ x509Authorities: { length: 2 }, sequence: 2 });
  await root.activate(next.id);
  expect(root.drainedAt(old?.id ?? "")).toBe(authority.notAfter);
  await authority.renew();
  const issued = await authority.issue(leafRequest());
  expect(verify(issued, [next.certificate]).id.uri).toBe(identity.uri);
});

test("what does not hold is refused and what is in force stays", async () => {
  const { made } = upstream();
  const authority = await intermediateAuthority({
    ...{ trustDomain, keys: memoryKeyManager(), clock, pollSeconds: 0 },
    upstream: made,
  });
  const before = authority.authorityId;
  const good = made.mint;
  const answers: readonly [string, UpstreamAuthority["mint"]][] = [
    ["BUNDLE_INVALID", async (request) => ({ ...(await good(request)), roots: [] })],
    [
      "KEY_MISMATCH",
      async () =>
        good({ ...leafRequest(), trustDomain, ttlSeconds: 5, roots: "", signal: new AbortController().signal }),
    ],
    ["KEY_MISMATCH", async () => root.issue(leafRequest())],
    ["REQUEST_FAILED", () => Promise.reject("nothing")],
  ];
  for (const [code, mint] of answers) {
    made.mint = mint;
    await expect(authority.renew(), code).rejects.toMatchObject({ code });
    expect(authority.authorityId).toBe(before);
  }
  await authority.close();
  await expect(authority.issue(leafRequest())).rejects.toMatchObject({ code: "CA_CLOSED" });
  made.mint = () => Promise.reject(new Error("away"));
  await expect(
    intermediateAuthority({ trustDomain, keys: memoryKeyManager(), upstream: made, clock, pollSeconds: 0 }),
  ).rejects.toMatchObject({ code: "REQUEST_FAILED" });
});

test("over the certificate service: only for callers whom the rule lets", async () => {
  const served = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
  const tokens = joinTokens();
  const listen = (rule: boolean) =>
    listenCertificateService({
      ...{ authority: served, authenticators: [tokens], address: "127.0.0.1:0" },
      ...(rule
        ? {
            subordinates: ({ identity: { uri } }) => {
              if (uri !== identity.uri) throw new Error("not on the list");
            },
          }
        : {}),
    });
  const roots = served.trustBundle.x509Authorities.join("");
  const below = (address: string, who = identity) =>
    intermediateAuthority({
      ...{ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 },
      upstream: certificateServiceUpstream({ address, roots, token: tokens.add({ identity: who }) }),
    });
  const closed = await listen(false);
  await expect(below(closed.address)).rejects.toThrow("may not be an authority: nobody may");
  const open = await listen(true);
  await expect(
    below(open.address, { ...identity, uri: `${identity.uri}x`, path: `${identity.path}x` }),
  ).rejects.toThrow("not on the list");
  const authority = await below(open.address);
  expect(verify(await authority.issue(leafRequest()), [roots], Date.now()).id.uri).toBe(identity.uri);
  await Promise.all([closed.close(), open.close(), authority.close()]);
  await served.close();
});

test("a subordinate's request is checked as a workload's is", async () => {
  const ask = (csr: string, ttlSeconds?: number) =>
    root.issueSubordinate({ csr, ...(ttlSeconds ? { ttlSeconds } : {}) });
  const key = newPrivateKey("ec-p256");
  await expect(ask(createCsr({ key, identity }))).rejects.toMatchObject({ code: "CSR_SAN_MISMATCH" });
  await expect(ask(createCsr({ key }), 7_776_001)).rejects.toMatchObject({ code: "TTL_TOO_LONG" });
  await expect(ask("nothing")).rejects.toMatchObject({ code: "CSR_MALFORMED" });
  expect((await ask(createCsr({ key }))).certificateChain).toHaveLength(1);
});
