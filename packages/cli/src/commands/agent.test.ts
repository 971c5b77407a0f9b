import { X509Certificate } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { decode, encode } from "@fairlead/xds/proto";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { begin, fairlead, folderOf } from "../../test/captured.ts";

const ID = "spiffe://cluster.local/ns/default/sa/web";
const TOKEN = "a-token-of-some-length";
const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const same = (bytes: Buffer) => bytes;

/** A token from a Workload API. */
async function token(address: string, audience: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("workload.spiffe.io", "true");
  try {
    const request = Buffer.concat([Buffer.from([10, audience.length]), Buffer.from(audience)]);
    const bytes = await new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest("/SpiffeWorkloadAPI/FetchJWTSVID", same, same, request, metadata, (error, value) =>
        error || !value ? reject(error) : resolve(value),
      ),
    );
    return /ey[\w-]+\.[\w-]+\.[\w-]+/.exec(bytes.toString("latin1"))?.[0] ?? "";
  } finally {
    client.close();
  }
}

/** What an SDS socket answers for these names. */
async function secrets(address: string, ...resourceNames: string[]) {
  const client = new Client(address, credentials.createInsecure());
  try {
    const request = encode("envoy.service.discovery.v3.DiscoveryRequest", {
      typeUrl: TYPE,
      node: { id: "n" },
      resourceNames,
    });
    const method = "/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets";
    const bytes = await new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(method, same, same, Buffer.from(request), (error, value) =>
        error || !value ? reject(error) : resolve(value),
      ),
    );
    const { resources = [] } = decode("envoy.service.discovery.v3.DiscoveryResponse", bytes) as unknown as {
      resources?: { name: string; tlsCertificate?: { certificateChain: { inlineBytes: string } } }[];
    };
    return new Map(resources.map((secret) => [secret.name, secret]));
  } finally {
    client.close();
  }
}

describe("agent", () => {
  it("joins an authority that `serve` offers, once by its token, and serves the secrets until it is stopped", async () => {
    await using folder = await folderOf({
      "mesh/web.yaml":
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: default}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80, name: http}]}\n",
      tokens: `# who may join\n${TOKEN} ${ID}\n`,
      token: `${TOKEN}\n`,
      "node.json": '{"id":"sidecar~10.0.0.9~web-1.default~default.svc.cluster.local"}',
    });
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "cluster.local");
    const [further] = await folderOf().then(async (elsewhere) => {
      await using _ = elsewhere;
      await fairlead("ca", "init", "--dir", elsewhere.at("pki"), "--trust-domain", "cluster.local");
      return [await readFile(elsewhere.at("pki", "root-cert.pem"), "utf8")];
    });
    await writeFile(folder.at("mesh.yaml"), JSON.stringify({ caCertificates: [{ pem: further }] }));
    const serve = begin(
      ...[
        "serve",
        "-f",
        folder.at("mesh"),
        "--mesh-config",
        folder.at("mesh.yaml"),
        "--ads",
        "127.0.0.1:0",
        "--ca",
        folder.at("pki"),
        "-o",
        "json",
      ],
      ...["--certificates", "127.0.0.1:0", "--join-tokens", folder.at("tokens")],
      ...["--audit", folder.at("audit")],
    );
    await expect.poll(serve.out, { timeout: 20_000 }).toContain("certificates");
    const { certificates, ads } = JSON.parse(serve.out());
    const sds = `unix:${folder.at("run", "sds")}`;
    const words = ["agent", "--sds", sds, "--ca", certificates, "--roots", folder.at("pki", "root-cert.pem")];
    const agent = begin(
      ...words,
      "--id",
      ID,
      "--token-file",
      folder.at("token"),
      "--out",
      folder.at("out"),
      "--ads",
      ads,
      "--node",
      folder.at("node.json"),
      "--workload-api",
      `unix:${folder.at("run", "api")}`,
      "-o",
      "json",
    );
    await expect.poll(agent.out, { timeout: 20_000 }).toContain("sds");
    expect(JSON.parse(agent.out())).toEqual({
      sds,
      out: folder.at("out"),
      workloadApi: `unix:${folder.at("run", "api")}`,
    });
    expect((await stat(folder.at("run", "api"))).isSocket()).toBe(true);
    const leaf = await readFile(folder.at("out", "cert-chain.pem"), "utf8");
    expect(new X509Certificate(leaf).subjectAltName).toBe(`URI:${ID}`);
    const served = await secrets(sds, "default", "ROOTCA", "file-root:/etc/passwd");
    expect([...served.keys()].sort()).toEqual(["ROOTCA", "default"]);
    const inline = served.get("default")?.tlsCertificate?.certificateChain.inlineBytes ?? "";
    expect(Buffer.from(inline, "base64").toString()).toBe(leaf);

    await expect.poll(() => readFile(folder.at("out", "root-cert.pem"), "utf8")).toContain(further?.trim());

    const jwt = await token(`unix:${folder.at("run", "api")}`, "orders");
    const claims = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({ sub: ID, aud: ["orders"] });

    const again = begin(...words.with(2, `${sds}-2`), "--id", ID, "--token-file", folder.at("token"));
    await expect.poll(again.err, { timeout: 20_000 }).toContain("UNAUTHENTICATED");
    expect(again.err()).not.toContain(TOKEN);
    for (const command of [again, agent, serve]) command.stop();
    expect((await Promise.all([again, agent, serve].map(({ result }) => result))).map(({ code }) => code)).toEqual([
      0, 0, 0,
    ]);
    const audit = await fairlead("ca", "audit", folder.at("audit"), "--identity", ID, "-o", "json");
    expect(JSON.parse(audit.out)).toMatchObject({
      verified: true,
      entries: [{ outcome: "issued", identity: ID, caller: { authenticator: "join-token", identity: ID } }],
    });
    const all = await fairlead("ca", "audit", folder.at("audit"));
    expect(all.out).toContain("refused");
    expect(all.out).toContain("UNAUTHENTICATED");
    const { head } = JSON.parse(audit.out);
    const shown = await fairlead("ca", "audit", folder.at("audit"), "--head", `${head.sequence}:${head.hash}`);
    expect(shown.out).toContain(`the last is ${head.sequence}:${head.hash}`);
    await writeFile(folder.at("audit"), (await readFile(folder.at("audit"), "utf8")).replace(ID, `${ID}x`));
    expect(await fairlead("ca", "audit", folder.at("audit"))).toMatchObject({
      code: 2,
      err: expect.stringContaining("it was changed"),
    });
    await expect(stat(folder.at("run", "sds"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("serves mounted files, and others by Istio's names", async () => {
    await using folder = await folderOf();
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "cluster.local");
    await fairlead("ca", "issue", "--dir", folder.at("pki"), "--id", ID, "--out", folder.at("svid"));
    const sds = `unix:${folder.at("sds")}`;
    const roots = `file-root:${folder.at("pki", "root-cert.pem")}`;
    const inFolder = ["--serve-files-in", folder.at("svid")];
    const agent = begin("agent", "--sds", sds, "--mounted", folder.at("svid"), "--serve-file", roots, ...inFolder);
    await expect.poll(agent.err, { timeout: 20_000 }).toContain("serving secrets");
    const pair = `file-cert:${folder.at("svid", "cert-chain.pem")}~${folder.at("svid", "key.pem")}`;
    const other = `file-root:${folder.at("pki", "other.pem")}`;
    await expect
      .poll(async () => [...(await secrets(sds, pair, other, "ROOTCA")).keys()].sort())
      .toEqual(["ROOTCA", pair]);
    expect([...(await secrets(sds, "default", "ROOTCA", roots)).keys()].sort()).toEqual(["ROOTCA", "default", roots]);
    agent.stop();
    expect((await agent.result).code).toBe(0);
  });

  it.each<[string, readonly string[], string]>([
    ["neither authority nor files", [], "either --ca or --mounted"],
    ["both", ["--ca", "a:1", "--mounted", "m"], "either --ca or --mounted"],
    ["no roots", ["--ca", "a:1", "--id", ID], "--ca needs --roots and --id"],
    ["an option of the other way", ["--mounted", "m", "--ttl", "5"], "--ttl goes with --ca"],
    ["a node without server", ["--ca", "a:1", "--roots", "svid", "--id", ID, "--node", "n"], "go together"],
    ["files that are not there", ["--mounted", "none"], "SECRET_NOT_FOUND"],
    ["a name that is none", ["--mounted", "svid", "--serve-file", "default"], "neither file-cert"],
  ])("%s: exit code 2 and no stack", async (_, words, message) => {
    await using folder = await folderOf();
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "cluster.local");
    await fairlead("ca", "issue", "--dir", folder.at("pki"), "--id", ID, "--out", folder.at("svid"));
    const placed = words.map((word) => (["svid", "none"].includes(word) ? folder.at(word) : word));
    const { code, err } = await fairlead("agent", "--sds", `unix:${folder.at("sds")}`, ...placed);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
  });
});
