import { createHash, generateKeyPairSync } from "node:crypto";
import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { BAD_REQUESTS, curve, deniedKey, nested, rsa, rsaCsr } from "../../test/support/bad-requests.ts";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { type CsrSpec, csrDer, csrPem, identity, p256, pemOf, spkiOf } from "../../test/support/requests.ts";
import type { IssueRequest } from "../authority/issue.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { der, oid, sequence } from "../der/writer.ts";
import { CA_ERRORS, CaError, type CaErrorCode } from "../error.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { localSigner } from "../keys/signer.ts";

const clock = fakeClock();
let authority: SelfSignedAuthority;
let roomy: SelfSignedAuthority;
let rootSpki: Uint8Array;

beforeAll(async () => {
  const keys = memoryKeyManager();
  authority = await selfSignedAuthority({
    trustDomain: "cluster.local",
    keys,
    clock,
    csr: { deniedKeys: new Set([createHash("sha256").update(spkiOf(deniedKey)).digest("hex")]) },
  });
  const [id = ""] = await keys.listKeys();
  rootSpki = (await keys.getKey(id))?.publicKey ?? new Uint8Array();
  roomy = await selfSignedAuthority({
    trustDomain: "cluster.local",
    keys: memoryKeyManager(),
    clock,
    csr: { maxBytes: 10_000_000 },
  });
});

/** The code a request is refused with; "issued" when it is not. Also holds: nothing but CaError. */
async function outcome(request: Partial<IssueRequest>, by = authority): Promise<CaErrorCode | "issued"> {
  try {
    await by.issue({ csr: csrPem(), identity, ...request });
    return "issued";
  } catch (error) {
    expect(error).toBeInstanceOf(CaError);
    const failure = error as CaError;
    expect(failure.grpcStatus).toBe(CA_ERRORS[failure.code].grpc);
    return failure.code;
  }
}

const good = csrDer();
const status: Partial<Record<CaErrorCode, number>> = { CSR_DENIED_KEY: 7, SPIFFE_ID_INVALID: 16, CA_EXPIRED: 14 };
const own = { type: "uri", value: identity.uri } as const;

describe("a bad request is refused with its code", () => {
  test.each(BAD_REQUESTS)("row %i: %s → %s", async (_row, _what, code, csr) => {
    expect(await outcome({ csr: csr(rootSpki) })).toBe(code);
    expect(CA_ERRORS[code].grpc).toBe(status[code] ?? 3);
  });

  test("row 5: cut off at any byte", async () => {
    for (let length = 1; length < good.length; length++)
      expect(await outcome({ csr: pemOf(good.subarray(0, length)) }), `at ${length}`).toBe("CSR_MALFORMED");
  });

  test("rows 9 and 10 without a size limit: no recursion", async () => {
    for (const bytes of [
      nested(60_000),
      sequence(der(6, Buffer.alloc(250_000, 0x81))),
      Buffer.alloc(6_000_000, 0x30),
    ]) {
      expect(await outcome({ csr: pemOf(bytes) }, roomy)).toBe("CSR_MALFORMED");
    }
  });

  test("row 10: what is too large", async () => {
    expect(await outcome({ csr: pemOf(Buffer.alloc(6_000_000, 0x30)) })).toBe("CSR_TOO_LARGE");
  });

  test("row 22: the authority's own key, with proof", async () => {
    const key = p256();
    const signer = { ...localSigner("own", key), keyId: "own" };
    const keys = memoryKeyManager();
    const own = await selfSignedAuthority({
      trustDomain: "cluster.local",
      keys: { ...keys, generateKey: async () => signer, getKey: async () => signer },
      clock,
    });
    expect(await outcome({ csr: csrPem({ key }) }, own)).toBe("CSR_INVALID_KEY");
  });

  test("what no typed program sends: refused like the rest, nothing else is thrown", async () => {
    for (const request of [{ csr: undefined }, { csr: null }, { csr: 7 }, { csr: {} }])
      expect(await outcome(request as never)).toBe("CSR_MALFORMED");
    for (const bad of [undefined, null, {}, { uri: 7 }, { uri: { length: 3 } }])
      expect(await outcome({ identity: bad } as never)).toMatch(/SPIFFE_ID_INVALID|SIGNING_FAILED/);
    for (const request of [undefined, null, 7])
      await expect(authority.issue(request as never)).rejects.toBeInstanceOf(CaError);
    expect(await outcome({ ttlSeconds: "1" as never })).toMatch(/TTL_TOO_LONG|issued/);
  });

  test("any bytes at all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        expect((await outcome({ csr: pemOf(bytes) })).startsWith("CSR_")).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("a good request with any one byte changed never passes as another", async () => {
    const reference = csrDer({ names: [own] });
    await fc.assert(
      fc.asyncProperty(fc.nat(reference.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const copy = Buffer.from(reference);
        copy[at] = (copy[at] ?? 0) ^ mask;
        expect(await outcome({ csr: pemOf(copy) })).not.toBe("issued");
      }),
      { numRuns: 400 },
    );
  });
});

describe("a bad identity is refused", () => {
  const forged = (id: string): SpiffeId => ({ uri: id, trustDomain: identity.trustDomain, path: identity.path });
  test.each<[number, string]>([
    [31, "spiffe://cluster.local/ns/a/sa/b,evil.com"],
    [32, "spiffe://Cluster.local/ns/a/sa/b"],
    [32, "SPIFFE://cluster.local/ns/a/sa/b"],
    [32, "spiffe://cluster.local/ns/%2e/sa/b"],
    [32, "spiffe://cluster.local/ns/../sa/b"],
    [32, "spiffe://cluster.local//ns/a/sa/b"],
    [32, "spiffe://cluster.local/ns/a/sa/b/"],
    [32, "spiffe://cluster.local/ns/a/sa/b?q"],
    [32, "spiffe://cluster.local:80/ns/a/sa/b"],
    [32, "spiffe://u@cluster.local/ns/a/sa/b"],
    [32, "spiffe://cluster.local/ns/ü/sa/b"],
    [32, `spiffe://cluster.local/${"a".repeat(2049)}`],
    [32, "spiffe://cluster.local/ns//sa/b"],
    [32, "spiffe://cluster.local/ns/a/sa/"],
    [32, "spiffe://cluster.local"],
    [32, ""],
    [33, "spiffe://other.domain/ns/a/sa/b"],
  ])("row %i: %.80s", async (_row, id) => {
    expect(await outcome({ identity: forged(id) })).toBe("SPIFFE_ID_INVALID");
    expect(CA_ERRORS.SPIFFE_ID_INVALID.grpc).toBe(16);
  });
});

describe("lifetimes", () => {
  test.each([0, -1, Number.NEGATIVE_INFINITY])("row 34: %d means the default", async (ttlSeconds) => {
    const issued = await authority.issue({ csr: csrPem(), identity, ttlSeconds });
    expect(issued.notAfter.getTime() - clock.now()).toBe(86_400_000);
  });
  test.each([7_776_001, 2 ** 63 - 1, 2 ** 53 + 1, 9_223_372_037, 18_446_744_075, Number.NaN, Number.POSITIVE_INFINITY])(
    "rows 34, 35: %d s is too long",
    async (ttlSeconds) => {
      expect(await outcome({ ttlSeconds })).toBe("TTL_TOO_LONG");
    },
  );
  test("row 36: an expired, a future and an ending authority", async () => {
    const time = fakeClock();
    const short = await selfSignedAuthority({
      trustDomain: "cluster.local",
      keys: memoryKeyManager(),
      clock: time,
      rootTtlSeconds: 3600,
    });
    time.jump(3_599_000);
    const last = await short.issue({ csr: csrPem(), identity });
    expect(last.notAfter.getTime()).toBe(time.now() + 1000);
    time.jump(1000);
    expect(await outcome({}, short)).toBe("CA_EXPIRED");
    time.jump(-10 * 3_600_000);
    expect(await outcome({}, short)).toBe("CA_EXPIRED");
    expect(CA_ERRORS.CA_EXPIRED.grpc).toBe(14);
  });
});

describe("what real clients send is accepted", () => {
  test.each<[string, CsrSpec]>([
    ["nothing but a key", {}],
    ["its own name", { names: [own] }],
    ["Istio's empty organisation", { subject: [{ type: "2.5.4.10", value: "" }], names: [own] }],
    ["its own name as CN", { subject: [{ type: "2.5.4.3", value: identity.uri }] }],
    ["the usages it will get", { extensions: [{ oid: "2.5.29.37", value: sequence(oid("1.3.6.1.5.5.7.3.1")) }] }],
  ])("%s", async (_what, spec) => {
    expect(await outcome({ csr: csrPem(spec) })).toBe("issued");
  });
  test("CRLF line ends, no last newline", async () => {
    expect(await outcome({ csr: csrPem().replaceAll("\n", "\r\n") })).toBe("issued");
    expect(await outcome({ csr: csrPem().trimEnd() })).toBe("issued");
  });
  test("RSA 2048, P-384; Ed25519 where the policy names it", async () => {
    expect(await outcome({ csr: rsaCsr(rsa(2048)) })).toBe("issued");
    expect(
      await outcome({
        csr: csrPem({ key: curve("secp384r1"), algorithm: sequence(oid("1.2.840.10045.4.3.3")), hash: "sha384" }),
      }),
    ).toBe("issued");
    const wide = await selfSignedAuthority({
      trustDomain: "cluster.local",
      keys: memoryKeyManager(),
      clock,
      csr: { keys: ["ed25519"] },
    });
    const csr = csrPem({
      key: generateKeyPairSync("ed25519").privateKey,
      algorithm: sequence(oid("1.3.101.112")),
      hash: null,
    });
    expect(await outcome({ csr }, wide)).toBe("issued");
  });
  test("policy ignore takes the key and nothing else", async () => {
    const lax = await selfSignedAuthority({
      trustDomain: "cluster.local",
      keys: memoryKeyManager(),
      clock,
      csr: { requests: "ignore" },
    });
    const { certificateChain } = await lax.issue({
      csr: csrPem({
        subject: [{ type: "2.5.4.3", value: "admin" }],
        names: [{ type: "dns", value: "evil.com" }],
        extensions: [{ oid: "2.5.29.19", value: sequence(der(1, Uint8Array.of(0xff))) }],
      }),
      identity: parseSpiffeId(identity.uri),
    });
    const { inspectCertificate } = await import("../certificate/inspect.ts");
    expect(inspectCertificate(certificateChain.join(""))[0]).toMatchObject({
      subject: "",
      isAuthority: false,
      names: [own],
    });
  });
});
