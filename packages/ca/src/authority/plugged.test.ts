import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import type { webcrypto } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Crypto } from "@peculiar/webcrypto";
import { Name, X509CrlGenerator } from "@peculiar/x509";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DAY, type Issuing, makeAuthority, makeLeaf } from "../../test/support/authorities.ts";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity } from "../../test/support/requests.ts";
import { readCertificates } from "../certificate/parse.ts";
import type { CaError } from "../error.ts";
import { encodePem } from "../pem.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import { type PluggedAuthority, type PluggedOptions, pluggedAuthority } from "./plugged.ts";

let directory: string;
let root: Issuing;
let signing: Issuing;
let otherRoot: Issuing;
let otherSigning: Issuing;
let middle: Issuing;
let deep: Issuing;
let expiredRoot: Issuing;
const open: PluggedAuthority[] = [];

beforeAll(async () => {
  root = await makeAuthority("root");
  signing = await makeAuthority("signing", root, { pathLength: 0, notAfter: Date.now() + 10 * DAY });
  middle = await makeAuthority("middle", root);
  deep = await makeAuthority("deep", middle, { pathLength: 0 });
  otherRoot = await makeAuthority("other root");
  otherSigning = await makeAuthority("other signing", otherRoot, { pathLength: 0 });
  expiredRoot = await makeAuthority("expired", undefined, {
    notBefore: Date.now() - 9 * DAY,
    notAfter: Date.now() - DAY,
  });
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fairlead-cacerts-"));
});
afterEach(async () => {
  for (const authority of open.splice(0)) await authority.close();
  await rm(directory, { recursive: true });
});

const put = async (files: Readonly<Record<string, string | undefined>>) => {
  for (const [name, text] of Object.entries(files))
    if (text === undefined) await rm(join(directory, name), { force: true });
    else await writeFile(join(directory, name), text, { mode: 0o600 });
};
const good = () => ({
  "ca-cert.pem": signing.pem,
  "ca-key.pem": signing.keyPem,
  "root-cert.pem": root.pem,
  "cert-chain.pem": signing.pem,
});
const start = async (options: Partial<PluggedOptions> = {}) => {
  const authority = await pluggedAuthority({ trustDomain: "cluster.local", directory, pollSeconds: 0, ...options });
  open.push(authority);
  return authority;
};
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: CaError) => error.code,
  );
const issue = (authority: PluggedAuthority) => authority.issue({ csr: csrPem(), identity, ttlSeconds: 30 * 86_400 });

test("issues under the plugged-in certificate: chain with the intermediate, cut to its end", async () => {
  await put(good());
  const authority = await start();
  const { certificateChain, roots, notAfter } = await issue(authority);
  expect(certificateChain).toHaveLength(2);
  expect(roots).toEqual([root.pem]);
  expect(notAfter.getTime()).toBe(signing.certificate.notAfter);
  expect(
    verifyX509Svid(certificateChain.join(""), { at: Date.now(), bundle: () => authority.trustBundle }).id.uri,
  ).toBe(identity.uri);
  expect(authority.intermediates).toEqual([signing.pem]);
});

test("a deeper chain, and the files of a kubernetes.io/tls secret", async () => {
  await put({
    "ca-cert.pem": deep.pem,
    "ca-key.pem": deep.keyPem,
    "root-cert.pem": root.pem,
    "cert-chain.pem": deep.pem + middle.pem,
  });
  expect((await issue(await start())).certificateChain).toHaveLength(3);
  await put({
    "ca-cert.pem": undefined,
    "ca-key.pem": undefined,
    "root-cert.pem": undefined,
    "cert-chain.pem": undefined,
  });
  await put({ "tls.crt": deep.pem + middle.pem, "tls.key": deep.keyPem, "ca.crt": root.pem });
  expect((await issue(await start())).certificateChain).toHaveLength(3);
});

describe("row 49: files that do not hold are refused at the start, and later leave the old ones in force", () => {
  const cases: readonly (readonly [string, () => Readonly<Record<string, string | undefined>>])[] = [
    ["another key", () => ({ "ca-key.pem": otherSigning.keyPem })],
    [
      "a signing certificate that is none",
      () => ({ "ca-cert.pem": encodePem("CERTIFICATE", makeLeaf(root).der), "cert-chain.pem": undefined }),
    ],
    ["a chain that reaches no root", () => ({ "root-cert.pem": otherRoot.pem })],
    ["a missing key", () => ({ "ca-key.pem": undefined })],
    ["a missing root", () => ({ "root-cert.pem": undefined })],
    ["a missing certificate", () => ({ "ca-cert.pem": undefined })],
    ["half a certificate", () => ({ "ca-cert.pem": signing.pem.slice(0, 300) })],
    ["half a key", () => ({ "ca-key.pem": signing.keyPem.slice(0, 100) })],
    ["an empty root file", () => ({ "root-cert.pem": "" })],
    [
      "a missing intermediate",
      () => ({ "ca-cert.pem": deep.pem, "ca-key.pem": deep.keyPem, "cert-chain.pem": deep.pem }),
    ],
    ["only an expired root", () => ({ "root-cert.pem": expiredRoot.pem })],
  ];
  test.each(cases)("%s", async (_what, files) => {
    await put({ ...good(), ...files() });
    expect(await codeOf(start())).toBe("BUNDLE_INVALID");
    await put(good());
    const problems: CaError[] = [];
    const authority = await start({ onProblem: (error) => problems.push(error) });
    const before = await issue(authority);
    await put(files());
    expect(await codeOf(authority.reload())).toBe("BUNDLE_INVALID");
    expect(problems).toHaveLength(1);
    expect((await issue(authority)).authorityId).toBe(before.authorityId);
  });
  test("a key that everybody may read", async () => {
    await put(good());
    await chmod(join(directory, "ca-key.pem"), 0o644);
    expect(await codeOf(start())).toBe("BUNDLE_INVALID");
  });
  test("CRLF, byte-order mark, comments, trailing spaces, no last newline are no fault", async () => {
    const odd = (pem: string) => `\uFEFF# from the vault\r\n${pem.replaceAll("\n", "  \r\n")}`.trimEnd();
    await put({
      "ca-cert.pem": odd(signing.pem),
      "ca-key.pem": signing.keyPem,
      "root-cert.pem": `${odd(root.pem)}\n${otherRoot.pem.trimEnd()}`,
    });
    const authority = await start();
    expect(authority.trustBundle.x509Authorities).toEqual([root.pem, otherRoot.pem]);
  });
});

test("row 50: new roots must overlap with the old, unless told otherwise", async () => {
  await put(good());
  const authority = await start();
  let told = 0;
  authority.subscribe(() => told++);
  const next = {
    "ca-cert.pem": otherSigning.pem,
    "ca-key.pem": otherSigning.keyPem,
    "root-cert.pem": otherRoot.pem,
    "cert-chain.pem": undefined,
  };
  await put(next);
  expect(await codeOf(authority.reload())).toBe("BUNDLE_REJECTED");
  expect(authority.trustBundle.sequence).toBe(1);
  await put({ ...next, "root-cert.pem": root.pem + otherRoot.pem });
  await authority.reload();
  await authority.reload();
  expect(authority.trustBundle).toMatchObject({ sequence: 2, x509Authorities: [root.pem, otherRoot.pem] });
  expect((await issue(authority)).authorityId).toBe(otherSigning.certificate.subjectKeyId);
  expect(authority.intermediates).toEqual([signing.pem, otherSigning.pem]);
  expect(told).toBe(1);
  await put(good());
  const free = await start({ allowUnrelatedRoots: true });
  await put(next);
  await free.reload();
  expect(free.trustBundle.x509Authorities).toEqual([otherRoot.pem]);
});

test("changes are found by looking", async () => {
  const clock = fakeClock(Date.now());
  await put(good());
  const authority = await start({ clock, pollSeconds: 30 });
  await put({
    "ca-cert.pem": otherSigning.pem,
    "ca-key.pem": otherSigning.keyPem,
    "root-cert.pem": root.pem + otherRoot.pem,
    "cert-chain.pem": undefined,
  });
  await clock.advance(31_000);
  await expect.poll(() => authority.trustBundle.sequence).toBe(2);
});

test("row 52: a root with a negative serial and one that has expired are left out of the others, with a warning", async () => {
  const negative = Buffer.from(otherRoot.certificate.der);
  const at = negative.indexOf(Buffer.from([0x02, 0x02, 0x01]));
  negative[at + 2] = 0x81;
  const problems: CaError[] = [];
  await put({
    ...good(),
    "root-cert.pem": encodePem("CERTIFICATE", negative) + expiredRoot.pem + root.pem + otherRoot.pem,
  });
  const authority = await start({ onProblem: (error) => problems.push(error) });
  expect(authority.trustBundle.x509Authorities).toEqual([root.pem, otherRoot.pem]);
  expect(problems.map(({ message }) => message).join()).toMatch(/root 1 .*negative.*root 2 .*expired/);
});

describe("row 51: CRLs", () => {
  const crypto = new Crypto();
  const crl = async (by: Issuing, options: { serials?: readonly string[]; nextUpdate?: Date; key?: Issuing } = {}) => {
    const pkcs8 = Uint8Array.from((options.key ?? by).key.export({ type: "pkcs8", format: "der" }));
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const signingKey = (await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, [
      "sign",
    ])) as webcrypto.CryptoKey;
    const made = await X509CrlGenerator.create(
      {
        issuer: new Name(Uint8Array.from(by.certificate.subject)),
        thisUpdate: new Date(Date.now() - DAY),
        nextUpdate: options.nextUpdate ?? new Date(Date.now() + DAY),
        entries: (options.serials ?? []).map((serialNumber) => ({ serialNumber, revocationDate: new Date() })),
        signingAlgorithm: algorithm,
        signingKey,
      },
      crypto,
    );
    return encodePem("X509 CRL", new Uint8Array(made.rawData));
  };
  test("for the whole chain: certificates in it are revoked, others not", async () => {
    await put(good());
    const authority = await start();
    const [bad, fine] = [await issue(authority), await issue(authority)];
    await put({ "ca-crl.pem": (await crl(signing, { serials: [bad.serial] })) + (await crl(root)) });
    await authority.reload();
    const leaf = (pem = "") => readCertificates(pem)[0] ?? root.certificate;
    expect(authority.isRevoked(leaf(bad.certificateChain[0]))).toBe(true);
    expect(authority.isRevoked(leaf(fine.certificateChain[0]))).toBe(false);
  });
  test.each<[string, () => Promise<string>]>([
    ["for a part of the chain", () => crl(signing)],
    ["expired", async () => (await crl(signing, { nextUpdate: new Date(Date.now() - 1000) })) + (await crl(root))],
    ["by the wrong signer", async () => (await crl(signing, { key: otherRoot })) + (await crl(root))],
    [
      "by an authority that is not of the chain",
      async () => (await crl(otherRoot)) + (await crl(signing)) + (await crl(root)),
    ],
    ["of 50 MB", async () => "x".repeat(50_000_000)],
    ["that are none", async () => encodePem("X509 CRL", Buffer.alloc(50))],
  ])("%s: CRL_INVALID", async (_what, text) => {
    await put({ ...good(), "ca-crl.pem": await text() });
    expect(await codeOf(start())).toBe("CRL_INVALID");
  });
});
