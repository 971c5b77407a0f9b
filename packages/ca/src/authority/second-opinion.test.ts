import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Crypto } from "@peculiar/webcrypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openssl, opensslMissing } from "../../test/support/openssl.ts";
import { identity } from "../../test/support/requests.ts";
import { createCsr } from "../csr/create.ts";
import { initAuthority, issueToDirectory } from "../directory.ts";
import { type KeyType, newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { selfSignedAuthority } from "./self-signed.ts";

const missing = opensslMissing();
if (missing) process.stdout.write(`openssl's opinion is not asked: ${missing}\n`);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-opinion-"));
});
afterAll(() => rm(folder, { recursive: true }));

const kinds: readonly KeyType[] = ["ec-p256", "ec-p384", "rsa-2048"];

describe.skipIf(missing !== undefined)("openssl", () => {
  test.each(kinds.flatMap((root) => kinds.map((leaf) => [root, leaf] as const)))(
    "verifies a %s root's certificate of a %s key, strictly, as server and as client",
    async (keyType, leafType) => {
      const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), keyType });
      const key = newPrivateKey(leafType);
      const csr = createCsr({ key, identity });
      const { certificateChain, roots } = await authority.issue({
        csr,
        identity,
        dnsNames: ["a.b"],
        ipAddresses: ["::1"],
      });
      const file = async (name: string, text: string) => {
        await writeFile(join(folder, name), text);
        return join(folder, name);
      };
      const [ca, leaf] = [await file("ca.pem", roots.join("")), await file("leaf.pem", certificateChain.join(""))];
      for (const purpose of ["sslserver", "sslclient"])
        expect(openssl(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", ca, leaf])).toContain("OK");
      const text = openssl(["x509", "-in", leaf, "-noout", "-text"]);
      expect(text).toContain(`URI:${identity.uri}, DNS:a.b, IP Address:0:0:0:0:0:0:0:1`);
      expect(text).toContain("CA:FALSE");
      openssl(["req", "-verify", "-noout", "-in", await file("csr.pem", csr)]);
    },
  );

  test("its requests are accepted", async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    for (const kind of [["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["rsa:2048"]]) {
      const [first = "", ...rest] = kind;
      const config = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\n";
      await writeFile(join(folder, "req.cnf"), config);
      const csr = openssl([
        "req",
        "-new",
        "-newkey",
        first,
        ...rest,
        "-nodes",
        "-keyout",
        join(folder, "k.pem"),
        "-config",
        join(folder, "req.cnf"),
        "-subj",
        "/",
        "-addext",
        `subjectAltName=URI:${identity.uri}`,
      ]);
      expect((await authority.issue({ csr, identity })).certificateChain).toHaveLength(1);
    }
  });

  test("the files of a directory", async () => {
    const dir = join(folder, "pki");
    await using authority = await initAuthority(dir, { trustDomain: "cluster.local" });
    expect(authority.trustBundle.x509Authorities).toHaveLength(1);
    const out = join(folder, "out");
    await issueToDirectory({ dir, id: identity.uri, out, ttlSeconds: 600 });
    expect(
      openssl(["verify", "-x509_strict", "-CAfile", join(out, "root-cert.pem"), join(out, "cert-chain.pem")]),
    ).toContain("OK");
    const spki = (args: string[]) => openssl([...args, "-pubout"]);
    expect(spki(["pkey", "-in", join(out, "key.pem")])).toBe(
      openssl(["x509", "-in", join(out, "cert-chain.pem"), "-noout", "-pubkey"]),
    );
    await expect(issueToDirectory({ dir: join(folder, "nothing"), id: identity.uri, out })).rejects.toMatchObject({
      code: "CA_NOT_READY",
    });
    await expect(issueToDirectory({ dir, id: "spiffe://cluster.local", out })).rejects.toMatchObject({
      code: "SPIFFE_ID_INVALID",
    });
    await expect(issueToDirectory({ dir, id: "reviews", out })).rejects.toMatchObject({ code: "SPIFFE_ID_INVALID" });
  });
});

describe("@peculiar/x509", () => {
  const crypto = new Crypto();
  test("reads and verifies our certificates and requests as we mean them", async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const csr = createCsr({ key: newPrivateKey("ec-p256"), identity });
    expect(await new Pkcs10CertificateRequest(csr).verify(crypto)).toBe(true);
    const { certificateChain, roots, serial, notAfter } = await authority.issue({ csr, identity });
    const leaf = new X509Certificate(certificateChain[0] ?? "");
    const root = new X509Certificate(roots[0] ?? "");
    expect(await leaf.verify({ publicKey: root.publicKey }, crypto)).toBe(true);
    expect(await root.isSelfSigned(crypto)).toBe(true);
    expect([leaf.serialNumber, leaf.subject, leaf.issuer, leaf.notAfter]).toEqual([serial, "", root.subject, notAfter]);
    expect(leaf.getExtension(SubjectAlternativeNameExtension)).toMatchObject({ critical: true });
    expect(leaf.getExtension(SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: "url", value: identity.uri },
    ]);
    expect(leaf.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: false, critical: true });
    expect(leaf.getExtension(ExtendedKeyUsageExtension)?.usages).toHaveLength(2);
    const usages = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;
    expect(leaf.getExtension(KeyUsagesExtension)).toMatchObject({ usages, critical: true });
  });

  test("its requests are accepted", async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const csr = await Pkcs10CertificateRequestGenerator.create(
      {
        keys,
        signingAlgorithm: algorithm,
        extensions: [new SubjectAlternativeNameExtension([{ type: "url", value: identity.uri }])],
      },
      crypto,
    );
    expect((await authority.issue({ csr: csr.toString("pem"), identity })).certificateChain).toHaveLength(1);
  });
});
