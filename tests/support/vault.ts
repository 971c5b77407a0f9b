import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initAuthority, issueToDirectory, type VaultOptions } from "@fairlead/ca";
import { type BigProgram, built, canBeBuilt } from "./built.ts";
import { freePorts, startServer } from "./server-process.ts";

const source = join(import.meta.dirname, "../real/vault");

/** The real Vault (`tests/real/vault`). */
const VAULT: BigProgram = {
  name: "vault",
  title: "Vault",
  cost: "some CPU-minutes",
  timeout: 1_200_000,
  from: { files: ["go.mod", "go.sum", "main.go"].map((file) => join(source, file)) },
  go: (path) => ({ args: ["build", "-trimpath", "-ldflags", "-s -w", "-o", path, "."], cwd: source }),
};

export const vaultBinary = (): Promise<string> => built(VAULT);

/** Where an engine keeps what is about its own certificate. */
const rootOf = (mount: string) => `${mount}/root`;

/** Whether Vault can be had here. */
export const hasVault = (what: string): Promise<boolean> => canBeBuilt(VAULT, what);

/** A real Vault on 127.0.0.1 with a root in its engine `pki`, an intermediate under it in `below`, and `transit`. */
export interface VaultServer {
  /** Its address, and a token that may do no more than an upstream and a key manager need. */
  readonly options: VaultOptions;
  /** The root, PEM. */
  readonly root: string;
  /** The server's process. */
  readonly pid: number;
  close(): Promise<void>;
}

export async function startVault(): Promise<VaultServer> {
  const folder = await mkdtemp(join(tmpdir(), "vault-"));
  const [port] = await freePorts(1);
  const pki = join(folder, "tls");
  await (await initAuthority(pki, { trustDomain: "vault.test", pollSeconds: 0 })).close();
  const tls = { dir: pki, id: "spiffe://vault.test/ns/vault/sa/vault", out: join(folder, "server") };
  await issueToDirectory({ ...tls, ipAddresses: ["127.0.0.1"] });
  const roots = await readFile(join(pki, "root-cert.pem"), "utf8");
  const url = `https://127.0.0.1:${port}`;
  let token = "";
  const call = (method: string, path: string, body?: object) =>
    new Promise<{ readonly status: number; readonly json: Record<string, never> }>((resolve, reject) => {
      const headers = { "x-vault-token": token };
      const sent = request(`${url}/v1/${path}`, { method, ca: roots, agent: false, headers }, async (response) => {
        let text = "";
        for await (const chunk of response) text += String(chunk);
        const status = response.statusCode ?? 0;
        if (status > 299 && path !== "sys/health") reject(new Error(`${method} ${path}: ${status} ${text}`));
        else resolve({ status, json: text === "" ? {} : JSON.parse(text) });
      });
      sent.on("error", reject);
      sent.end(body && JSON.stringify(body));
    });
  const words = ["--address", `127.0.0.1:${port}`];
  const files = ["--certificate", join(tls.out, "cert-chain.pem"), "--key", join(tls.out, "key.pem")];
  const ready = async () => (await call("GET", "sys/health")).status > 0;
  const server = await startServer(await vaultBinary(), [...words, ...files], ready);

  const { keys, root_token } = (await call("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 })).json;
  await call("PUT", "sys/unseal", { key: keys?.[0] });
  token = root_token ?? "";
  for (const mount of ["pki", "below"])
    await call("POST", `sys/mounts/${mount}`, { type: "pki", config: { max_lease_ttl: "87600h" } });
  const ec = { key_type: "ec", key_bits: 256, ttl: "43800h" };
  const made = await call("POST", `${rootOf("pki")}/generate/internal`, { common_name: "vault root", ...ec });
  const { certificate: root } = made.json.data as unknown as { certificate: string };
  const csr = await call("POST", "below/intermediate/generate/internal", { common_name: "vault below", ...ec });
  const signed = await call("POST", `${rootOf("pki")}/sign-intermediate`, {
    ...(csr.json.data as unknown as { csr: string }),
    ...{ common_name: "vault below", ttl: "21900h", max_path_length: 1 },
  });
  const { certificate } = signed.json.data as unknown as { certificate: string };
  await call("POST", "below/intermediate/set-signed", { certificate });
  await call("POST", "sys/mounts/transit", { type: "transit" });
  const may = (path: string, ...what: string[]) => `path "${path}" { capabilities = ${JSON.stringify(what)} }`;
  const policy = [
    ...["pki", "below"].map((mount) => may(`${rootOf(mount)}/sign-intermediate`, "update")),
    may("transit/keys/*", "create", "read", "update", "delete", "list"),
    may("transit/keys", "list"),
    may("transit/sign/*", "update"),
  ].join("\n");
  await call("PUT", "sys/policies/acl/upstream", { policy });
  const limited = await call("POST", "auth/token/create", { policies: ["upstream"], no_default_policy: true });
  const { client_token } = limited.json.auth as unknown as { client_token: string };
  return {
    options: { url, roots, token: client_token },
    root: `${root.trim()}\n`,
    pid: server.pid,
    async close() {
      await server.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
