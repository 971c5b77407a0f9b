import "reflect-metadata";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesClientOptions, kubernetesClient } from "./client.ts";
import { RESOURCES } from "./resource-type.ts";
import { fakeApiServer } from "./testing/fake-api-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A self-signed certificate for 127.0.0.1, which is its own authority. */
async function selfSigned(): Promise<{ key: string; cert: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=kubernetes",
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 3_600_000),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
      ],
    },
    crypto,
  );
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { key, cert: certificate.toString("pem") };
}

const client = (options: KubernetesClientOptions) => {
  const made = kubernetesClient(options);
  open.push(made);
  return made;
};

describe("over TLS", () => {
  it("believes the server whose CA it was given, and no other", async () => {
    const [tls, other] = await Promise.all([selfSigned(), selfSigned()]);
    const server = await fakeApiServer({ tls });
    open.push(server);
    expect((await client({ server: server.url, ca: tls.cert }).list(RESOURCES.pods)).items).toEqual([]);
    await expect(client({ server: server.url, ca: other.cert }).list(RESOURCES.pods)).rejects.toMatchObject({
      code: "unreachable",
    });
    await expect(client({ server: server.url }).list(RESOURCES.pods)).rejects.toMatchObject({ code: "unreachable" });
    expect(server.requests).toHaveLength(1);
  });

  it("reads CA and token of a kubeconfig file", async () => {
    const tls = await selfSigned();
    const server = await fakeApiServer({ tls, token: "secret" });
    const folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
    open.push(server, { close: () => rm(folder, { recursive: true }) });
    const base64 = Buffer.from(tls.cert).toString("base64");
    const kubeconfig = join(folder, "config");
    await writeFile(
      kubeconfig,
      `apiVersion: v1
kind: Config
current-context: here
contexts: [{ name: here, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: "${server.url}", certificate-authority-data: ${base64} } }]
users: [{ name: u, user: { token: secret } }]
`,
    );
    const given = client({ kubeconfig });
    expect((await given.list(RESOURCES.pods)).items).toEqual([]);
    expect((await given.list(RESOURCES.services)).items).toEqual([]);
  });
});
