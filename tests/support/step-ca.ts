import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { StepCaOptions } from "@fairlead/ca";
import { makeAuthority } from "../../packages/ca/test/support/authorities.ts";
import { type BigProgram, built, canBeBuilt } from "./built.ts";
import { freePorts, type ServerProcess, startServer } from "./server-process.ts";

const MODULE = "github.com/smallstep/certificates/cmd/step-ca@v0.30.2";

/** The real step-ca. */
const STEP_CA: BigProgram = {
  name: "step-ca",
  title: MODULE,
  cost: "about two CPU-minutes",
  timeout: 1_200_000,
  from: { text: MODULE },
  go: (path) => ({ args: ["install", "-trimpath", "-ldflags", "-s -w", MODULE], env: { GOBIN: dirname(path) } }),
};

/** Whether step-ca can be had here. */
export const hasStepCa = (what: string): Promise<boolean> => canBeBuilt(STEP_CA, what);

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
  const binary = await built(STEP_CA);
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
