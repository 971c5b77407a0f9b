import { execFile } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StepCaOptions } from "@fairlead/ca";
import { makeAuthority } from "../../packages/ca/test/support/authorities.ts";
import { freePorts, type ServerProcess, startServer } from "./server-process.ts";
import { hasTool } from "./tool.ts";

const MODULE = "github.com/smallstep/certificates/cmd/step-ca@v0.30.2";

/** The real step-ca, built once into the user's cache: two CPU-minutes, and Go. */
async function stepCaBinary(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fairlead");
  const binary = join(cache, `step-ca-${createHash("sha256").update(MODULE).digest("hex").slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  await mkdir(cache, { recursive: true });
  console.error(`building ${MODULE} (once, about two CPU-minutes) …`);
  const made = await mkdtemp(join(cache, "step-ca-build-"));
  try {
    await promisify(execFile)("go", ["install", "-trimpath", "-ldflags", "-s -w", MODULE], {
      env: { ...process.env, CGO_ENABLED: "0", GOBIN: made },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 1_200_000,
    });
    await rename(join(made, "step-ca"), binary);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return binary;
}

/** Whether step-ca can be had here. Where all is to be tested (`CI`), it must be. */
export async function hasStepCa(what: string): Promise<boolean> {
  if (!(await hasTool("go", ["version"], what))) return false;
  try {
    await stepCaBinary();
    return true;
  } catch (error) {
    if (process.env.CI) throw error;
    console.error(`skipped: ${what}: step-ca could not be built: ${(error as Error).message.slice(0, 500)}`);
    return false;
  }
}

/** A real step-ca on 127.0.0.1 with a root, an intermediate and a provisioner for signing certificates of `trustDomain`. */
export interface StepCaServer {
  readonly options: StepCaOptions;
  /** PEM. */
  readonly root: string;
  /** Ends it and starts it again; between them nobody answers. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** The template of signing certificates: what makes a step-ca an upstream. */
const TEMPLATE = `{
  "subject": {{ toJson .Subject }},
  "sans": {{ toJson .SANs }},
  "keyUsage": ["certSign", "crlSign"],
  "basicConstraints": {"isCA": true, "maxPathLen": 0}
}`;

export async function startStepCa(trustDomain: string): Promise<StepCaServer> {
  const folder = await mkdtemp(join(tmpdir(), "step-ca-"));
  const [port] = await freePorts(1);
  const root = await makeAuthority("upstream root", undefined, { trustDomain });
  const signing = await makeAuthority("upstream signing", root, { trustDomain, pathLength: 1 });
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const named = { kid: "mesh", alg: "ES256", use: "sig" };
  const put = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const provisioner = {
    type: "JWK",
    name: "mesh",
    key: { ...publicKey.export({ format: "jwk" }), ...named },
    claims: { maxTLSCertDuration: "720h", defaultTLSCertDuration: "24h" },
    options: { x509: { template: TEMPLATE } },
  };
  const config = {
    root: await put("root.crt", root.pem),
    crt: await put("signing.crt", signing.pem),
    key: await put("signing.key", signing.keyPem),
    address: `127.0.0.1:${port}`,
    dnsNames: ["127.0.0.1"],
    logger: { format: "text" },
    db: { type: "badgerv2", dataSource: join(folder, "db") },
    authority: { provisioners: [provisioner] },
  };
  const file = await put("ca.json", JSON.stringify(config));
  const url = `https://127.0.0.1:${port}`;
  const ready = () =>
    new Promise<boolean>((resolve, reject) => {
      get(`${url}/health`, { ca: root.pem, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      }).on("error", reject);
    });
  const binary = await stepCaBinary();
  const start = () => startServer(binary, [file], ready);
  let server: ServerProcess = await start();
  return {
    options: {
      url,
      roots: root.pem,
      provisioner: { name: "mesh", key: { ...privateKey.export({ format: "jwk" }), ...named } },
    },
    root: root.pem,
    async restart(meanwhile) {
      await server.end();
      await meanwhile();
      server = await start();
    },
    async close() {
      await server.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
