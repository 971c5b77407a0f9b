import { parseTrustDomain } from "@fairlead/model";
import { beforeAll, describe, expect, test } from "vitest";
import { DAY, type Issuing, makeAuthority, makeLeaf } from "../../test/support/authorities.ts";
import { writeExtension } from "../certificate/extension.ts";
import type { Certificate } from "../certificate/parse.ts";
import { der, sequence } from "../der/writer.ts";
import type { TrustBundle } from "./bundle.ts";
import { type VerifySvidOptions, verifyX509Svid } from "./svid.ts";

let root: Issuing;
let intermediate: Issuing;
let below: Issuing;
let foreign: Issuing;
let constrained: Issuing;
let stranger: Issuing;
let expired: Issuing;

const bundleOf = (...pems: string[]): TrustBundle => ({
  trustDomain: parseTrustDomain("cluster.local"),
  x509Authorities: pems,
  sequence: 1,
  refreshHintSeconds: 300,
});

beforeAll(async () => {
  root = await makeAuthority("root");
  intermediate = await makeAuthority("intermediate", root, { pathLength: 0 });
  below = await makeAuthority("below", intermediate);
  foreign = await makeAuthority("foreign", root, { trustDomain: "other.domain" });
  stranger = await makeAuthority("stranger");
  expired = await makeAuthority("expired", root, { notBefore: Date.now() - 3 * DAY, notAfter: Date.now() - DAY });
  constrained = await makeAuthority("constrained", root);
});

const verify = (chain: readonly Certificate[], options: Partial<VerifySvidOptions> = {}) =>
  verifyX509Svid(
    chain.map((certificate) => certificate.der),
    {
      at: Date.now(),
      bundle: (trustDomain) => (trustDomain === "cluster.local" ? bundleOf(root.pem) : undefined),
      ...options,
    },
  );
const uri = (value: string) => ({ type: "uri", value }) as const;

test("good chains", () => {
  expect(verify([makeLeaf(root)]).id.path).toBe("/ns/default/sa/reviews");
  expect(verify([makeLeaf(intermediate), intermediate.certificate]).id.trustDomain).toBe("cluster.local");
  expect(verify([makeLeaf(intermediate), intermediate.certificate, root.certificate]).serial).toBeTruthy();
  expect(verify([makeLeaf(root, { extendedKeyUsage: undefined })], { extendedKeyUsage: "optional" }).id.uri).toContain(
    "reviews",
  );
  expect(
    verify([makeLeaf(root, { names: [uri("spiffe://cluster.local/x"), { type: "dns", value: "a.b" }] })]).id.path,
  ).toBe("/x");
});

describe("row 56: what is no SVID", () => {
  test.each<[string, string, () => readonly Certificate[]]>([
    ["nothing", "no certificate", () => []],
    [
      "a leaf that is an authority",
      "is an authority",
      () => [makeLeaf(root, { basicConstraints: sequence(der(1, Uint8Array.of(0xff))) })],
    ],
    ["a leaf that may sign certificates", "may sign", () => [makeLeaf(root, { keyUsage: Uint8Array.of(0x84) })]],
    ["a leaf that may sign CRLs", "may sign", () => [makeLeaf(root, { keyUsage: Uint8Array.of(0x82) })]],
    ["a leaf without digitalSignature", "digitalSignature", () => [makeLeaf(root, { keyUsage: Uint8Array.of(0x20) })]],
    ["a leaf without keyUsage", "keyUsage", () => [makeLeaf(root, { keyUsage: undefined })]],
    ["an intermediate as leaf", "has a path", () => [intermediate.certificate]],
    ["an ID without path", "has a path", () => [makeLeaf(root, { names: [uri("spiffe://cluster.local")] })]],
    [
      "an ID that breaks the grammar",
      "path segment",
      () => [makeLeaf(root, { names: [uri("spiffe://cluster.local/a/../b")] })],
    ],
    [
      "two URI names",
      "exactly one",
      () => [makeLeaf(root, { names: [uri("spiffe://cluster.local/a"), uri("spiffe://cluster.local/b")] })],
    ],
    ["no URI name", "exactly one", () => [makeLeaf(root, { names: [{ type: "dns", value: "a.b" }] })]],
    ["no names", "exactly one", () => [makeLeaf(root, { names: [] })]],
    ["a foreign trust domain", "not trusted", () => [makeLeaf(root, { names: [uri("spiffe://other.domain/a")] })]],
    ["an intermediate of a foreign trust domain", "not one of", () => [makeLeaf(foreign), foreign.certificate]],
    [
      "a path that is longer than allowed",
      "allows 0",
      () => [makeLeaf(below), below.certificate, intermediate.certificate],
    ],
    ["no extended key usages", "lacks", () => [makeLeaf(root, { extendedKeyUsage: undefined })]],
    ["one extended key usage", "lacks", () => [makeLeaf(root, { extendedKeyUsage: ["1.3.6.1.5.5.7.3.1"] })]],
    ["a missing intermediate", "leads to none", () => [makeLeaf(intermediate)]],
    ["a stranger's signature", "leads to none", () => [makeLeaf(stranger)]],
    [
      "an unrelated certificate in between",
      "not signed by",
      () => [makeLeaf(intermediate), stranger.certificate, root.certificate],
    ],
    ["an expired leaf", "expired", () => [makeLeaf(root, { notAfter: Date.now() - 1000 })]],
    ["a future leaf", "not valid before", () => [makeLeaf(root, { notBefore: Date.now() + 60_000 })]],
    ["an expired intermediate", "expired", () => [makeLeaf(expired), expired.certificate]],
    [
      "a leaf in place of an intermediate",
      "not an authority",
      () => [makeLeaf(root), makeLeaf(root, { names: [] }), root.certificate],
    ],
    [
      "an unknown critical extension",
      "not understood",
      () => [makeLeaf(root, { extra: [writeExtension("1.2.3.4", true, der(5))] })],
    ],
    [
      "eleven certificates",
      "longer than 10",
      () => [makeLeaf(root), ...new Array<Certificate>(10).fill(intermediate.certificate)],
    ],
  ])("%s", (_what, why, chain) => {
    expect(() => verify(chain())).toThrow(why);
    expect(() => verify(chain())).toThrow("SVID_INVALID");
  });

  test("bytes that are no certificate, and PEM that is none", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100, 0x30), Buffer.from(makeLeaf(root).der).subarray(0, -1)])
      expect(() => verifyX509Svid([bytes], { at: 0, bundle: () => undefined })).toThrow("SVID_INVALID");
    expect(() => verifyX509Svid("", { at: 0, bundle: () => undefined })).toThrow("SVID_INVALID");
  });

  test("one that was revoked", () => {
    const leaf = makeLeaf(root);
    expect(() => verify([leaf], { isRevoked: ({ serial }) => serial === leaf.serial })).toThrow("revoked");
  });

  test("a name constraint that the leaf breaks", async () => {
    const constraint = (tag: number, base: string) =>
      writeExtension("2.5.29.30", true, sequence(der(tag, sequence(der(0x86, Buffer.from(base))))));
    const { readCertificate } = await import("../certificate/parse.ts");
    const { signedCertificate } = await import("../certificate/leaf.ts");
    const { signingAlgorithm } = await import("../keys/algorithm.ts");
    const limited = (tag: number, base: string): Issuing => {
      // The intermediate's own certificate again, with the constraint among its extensions.
      const { identifier } = signingAlgorithm("ec-p256");
      const tbs = withExtension(constrained.certificate.tbs, constraint(tag, base));
      return {
        ...constrained,
        certificate: readCertificate(signedCertificate(tbs, identifier, root.signer.signSync(tbs))),
      };
    };
    const chain = (by: Issuing) => [makeLeaf(by), by.certificate];
    expect(verify(chain(limited(0xa0, "cluster.local"))).id.path).toBe("/ns/default/sa/reviews");
    expect(() => verify(chain(limited(0xa0, "other.domain")))).toThrow("no permitted subtree");
    expect(() => verify(chain(limited(0xa1, "cluster.local")))).toThrow("excluded subtree");
    expect(verify(chain(limited(0xa1, ".cluster.local"))).id.path).toBe("/ns/default/sa/reviews");
  });
});

/** A TBSCertificate with one more extension at the end. */
function withExtension(tbs: Uint8Array, extension: Uint8Array): Buffer {
  const bytes = Buffer.from(tbs);
  const at = bytes.lastIndexOf(Buffer.from([0xa3, 0x81])); // [3], and below 256 bytes
  const list = bytes.subarray(at + 3);
  const inner = list.subarray(list[1] === 0x81 ? 3 : 2);
  return sequence(bytes.subarray(bytes[1] === 0x82 ? 4 : 3, at), der(0xa3, sequence(inner, extension)));
}
