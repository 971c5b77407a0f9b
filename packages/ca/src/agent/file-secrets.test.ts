import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Secret } from "@fairlead/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { initAuthority, issueToDirectory } from "../directory.ts";
import type { CaError } from "../error.ts";
import { fileSecrets, mountedCertificate, namedSecretFiles } from "./file-secrets.ts";

const id = "spiffe://cluster.local/ns/default/sa/web";
let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const chainOf = (secret: Secret | undefined) => (secret?.kind === "key-pair" ? secret.certificateChain : undefined);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-files-"));
  await (await initAuthority(at("pki"), { trustDomain: "cluster.local", pollSeconds: 0 })).close();
  for (const out of ["one", "two"]) await issueToDirectory({ dir: at("pki"), id, out: at(out) });
});
afterEach(() => rm(folder, { recursive: true }));

test("a mounted certificate is followed when a kubelet swaps the link it is behind", async () => {
  const clock = fakeClock(Date.now());
  await symlink("one", at("..data"));
  const source = await fileSecrets({ secrets: mountedCertificate(at("..data")), clock });
  expect(source.names).toEqual(["default", "ROOTCA"]);
  const before = chainOf(source.get("default"));
  expect(source.get("default")).toMatchObject({ kind: "key-pair", expiresAt: expect.any(Date) });
  const changed: string[] = [];
  source.subscribe((name) => changed.push(name));
  await clock.advance(6000);
  expect(changed).toEqual([]);
  await symlink("two", at("next"));
  await rename(at("next"), at("..data"));
  await source.refresh();
  expect(changed).toEqual(["default"]);
  expect(chainOf(source.get("default"))).not.toBe(before);
  source.close();
});

test("half a replacement changes nothing until the other half is there", async () => {
  const problems: CaError[] = [];
  await cp(at("one"), at("live"), { recursive: true });
  const source = await fileSecrets({
    secrets: mountedCertificate(at("live")),
    pollSeconds: 0,
    onProblem: (error) => problems.push(error),
  });
  const before = source.get("default");
  await cp(at("two", "cert-chain.pem"), at("live", "cert-chain.pem"));
  await expect(source.refresh()).rejects.toThrow("KEY_MISMATCH");
  await expect(source.refresh()).rejects.toThrow("KEY_MISMATCH");
  expect(problems.map(({ code }) => code)).toEqual(["KEY_MISMATCH"]);
  expect(source.get("default")).toBe(before);
  await cp(at("two", "key.pem"), at("live", "key.pem"));
  await source.refresh();
  expect(chainOf(source.get("default"))).not.toBe(chainOf(before));
  await writeFile(at("live", "root-cert.pem"), "half a ce");
  await expect(source.refresh()).rejects.toThrow("BUNDLE_INVALID");
  expect(source.get("ROOTCA")).toBeDefined();
  source.close();
});

test("Istio's names of files; nothing else is read", async () => {
  const name = `file-cert:${at("one", "cert-chain.pem")}~${at("one", "key.pem")}`;
  const roots = `file-root:${at("one", "root-cert.pem")}`;
  const source = await fileSecrets({ secrets: [name, roots].map(namedSecretFiles), pollSeconds: 0 });
  expect(source.get(name)?.kind).toBe("key-pair");
  expect(source.get(roots)?.kind).toBe("trust-bundle");
  expect(source.get("file-root:/etc/passwd")).toBeUndefined();
  source.close();
  for (const odd of ["file-cert:a", "file-cert:a~b~c", "file-root:", "default", "file-root:a~b"])
    expect(() => namedSecretFiles(odd)).toThrow("OPTION_INVALID");
});

test("the first look must hold, and no key is in what it says", async () => {
  await expect(fileSecrets({ secrets: mountedCertificate(at("none")) })).rejects.toMatchObject({
    code: "SECRET_NOT_FOUND",
  });
  await mkdir(at("odd"));
  await cp(at("one"), at("odd"), { recursive: true });
  await writeFile(at("odd", "key.pem"), "-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n");
  const failure = await fileSecrets({ secrets: mountedCertificate(at("odd")) }).catch((error: CaError) => error);
  expect(failure).toMatchObject({ code: "KEY_INVALID" });
  expect((failure as CaError).cause).toBeUndefined();
  expect(String(failure)).not.toContain("SECRETSECRET");
});

test("files of allowed folders are served when their names are asked for, and no others, whatever leads there", async () => {
  const problems: CaError[] = [];
  const directories = [at("one"), at("later")];
  const onProblem = (error: CaError) => problems.push(error);
  const source = await fileSecrets({ secrets: [], directories, pollSeconds: 0, onProblem });
  await symlink(at("two", "root-cert.pem"), at("one", "out.pem"));
  const pair = (dir: string) => `file-cert:${at(dir, "cert-chain.pem")}~${at(dir, "key.pem")}`;
  const roots = `file-root:${at("one", "root-cert.pem")}`;
  const asked = [
    ...[pair("one"), roots, pair("later")],
    ...[pair("two"), `file-root:${at("one")}/../two/root-cert.pem`, `file-root:${at("one", "out.pem")}`],
    ...["file-root:root-cert.pem", `file-root:${at("one")}`, "file-root:/etc/passwd", "default", "file-cert:x"],
    `file-cert:${at("one", "cert-chain.pem")}~${at("two", "key.pem")}`,
  ];
  for (const name of [...asked, ...asked]) source.want(name);
  await source.refresh().catch(() => undefined);
  expect(source.names.filter((name) => source.get(name))).toEqual([pair("one"), roots]);
  expect([...new Set(problems.map(({ message }) => message))]).toEqual([
    expect.stringMatching(/SECRET_NOT_FOUND.*later/),
    expect.stringMatching(/out\.pem leads out of the folders/),
  ]);
  await cp(at("two"), at("later"), { recursive: true });
  const changed: string[] = [];
  source.subscribe((name) => changed.push(name));
  await source.refresh().catch(() => undefined);
  expect(changed).toEqual([pair("later")]);
  source.close();
});
