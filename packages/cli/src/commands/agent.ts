import { resolve } from "node:path";
import { type CaError, CERTIFICATE_FILES } from "@fairlead/ca";
import {
  type Agent,
  createAgent,
  type FileSecrets,
  fileSecrets,
  followRoots,
  listenSds,
  mountedCertificate,
  namedSecretFiles,
  SECRET_NAMES,
} from "@fairlead/ca/agent";
import { followRevocationLists, grpcAuthorityClient, grpcCaClient, grpcJwtClient } from "@fairlead/ca/grpc";
import { listenWorkloadApi } from "@fairlead/ca/workload-api";
import { parseSpiffeId, type SecretSource, type SpiffeId } from "@fairlead/model";
import { answered } from "../answered.ts";
import { CliError } from "../cli-error.ts";
import type { Call, Command } from "../command.ts";
import { readText } from "../input.ts";
import { printJson } from "../output.ts";
import { seconds } from "./ca-rotate.ts";
import { readNode } from "./node.ts";

const WITH_CA = [
  "roots",
  "token-file",
  "server",
  "ttl",
  "out",
  "workload-api",
  "ads",
  "node",
  "check-revocation",
] as const;

/** The secrets of several sources; the first that has one of the name counts. */
function joined(sources: readonly SecretSource[]): SecretSource {
  return {
    get: (name) => sources.map((source) => source.get(name)).find((secret) => secret !== undefined),
    subscribe(listener) {
      const unsubscribe = sources.map((source) => source.subscribe(listener));
      return () => {
        for (const stop of unsubscribe) stop();
      };
    },
  };
}

/** Whom `--server` says the authority must be. */
function server(call: Call): { readonly server?: SpiffeId } {
  const id = call.text("server");
  return id === undefined ? {} : { server: parseSpiffeId(id) };
}

async function startAgent(call: Call, address: string, say: (text: string) => void): Promise<Agent> {
  const [roots, id] = [call.text("roots"), call.text("id")];
  if (roots === undefined || id === undefined) throw new CliError("usage", "--ca needs --roots and --id");
  if (!/.:\d+$/.test(address)) throw new CliError("usage", `--ca takes HOST:PORT, not ${JSON.stringify(address)}`);
  const tokenFile = call.text("token-file");
  const ttlSeconds = seconds("ttl", call.text("ttl"));
  if (tokenFile !== undefined) await readText(tokenFile);
  const pinned = await readText(roots);
  return createAgent({
    identity: parseSpiffeId(id),
    ca: grpcCaClient({
      address,
      roots: pinned,
      // Read each time: Kubernetes renews the tokens it mounts.
      ...(tokenFile === undefined ? {} : { token: async () => (await readText(tokenFile)).trim() }),
      ...server(call),
    }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    onEvent(event) {
      if (event.type === "issued")
        say(`certificate until ${event.notAfter.toISOString()}, renewed in ${Math.round(event.renewInMs / 1000)} s`);
      else if (event.type === "failed")
        say(`${event.error.message}; tried again in ${Math.round(event.retryInMs / 1000)} s`);
      else say(event.type === "expired" ? "the certificate has expired" : "the roots have changed");
    },
  });
}

export const agent: Command = {
  summary:
    "Keeps a workload's key and certificate beside its proxy and serves them by SDS on a Unix socket: certified by an authority, or from mounted files.",
  usage:
    "--sds unix:PATH (--ca HOST:PORT --roots FILE --id SPIFFE_ID [--token-file FILE] [--server SPIFFE_ID] [--ttl SECONDS] [--out DIR] [--workload-api unix:PATH] [--ads HOST:PORT --node node.json] [--check-revocation] | --mounted DIR) [--serve-file NAME …] [--serve-files-in DIR …] [-o json]",
  options: {
    sds: { type: "string" },
    ca: { type: "string" },
    roots: { type: "string" },
    id: { type: "string" },
    "token-file": { type: "string" },
    server: { type: "string" },
    ttl: { type: "string" },
    out: { type: "string" },
    "workload-api": { type: "string" },
    ads: { type: "string" },
    node: { type: "string" },
    "check-revocation": { type: "boolean" },
    mounted: { type: "string" },
    "serve-file": { type: "string", multiple: true },
    "serve-files-in": { type: "string", multiple: true },
  },
  required: ["sds"],
  async run(call, terminal) {
    const sds = call.text("sds") ?? "";
    const [ca, mounted, out] = [call.text("ca"), call.text("mounted"), call.text("out")];
    if ((ca === undefined) === (mounted === undefined))
      throw new CliError("usage", "either --ca or --mounted is needed");
    const idle = ca === undefined ? [...WITH_CA, "id"].find((name) => call.values[name] !== undefined) : undefined;
    if (idle !== undefined) throw new CliError("usage", `--${idle} goes with --ca`);
    const [ads, nodeFile] = [call.text("ads"), call.text("node")];
    if ((ads === undefined) !== (nodeFile === undefined)) throw new CliError("usage", "--ads and --node go together");
    const node = nodeFile === undefined ? undefined : (await readNode(nodeFile)).json;
    const say = (text: string) => terminal.err(`${new Date().toISOString()} ${text}\n`);
    const onProblem = (error: CaError) => say(error.message);
    const named = (call.values["serve-file"] ?? []) as readonly string[];
    const directories = ((call.values["serve-files-in"] ?? []) as readonly string[]).map((path) => resolve(path));

    await using stack = new AsyncDisposableStack();
    const keep = <T extends FileSecrets>(source: T): T => stack.adopt(source, (held) => held.close());
    await answered(async () => {
      const own =
        ca === undefined
          ? keep(await fileSecrets({ secrets: mountedCertificate(mounted ?? ""), onProblem }))
          : stack.use(await startAgent(call, ca, say));
      const files = keep(await fileSecrets({ secrets: named.map(namedSecretFiles), directories, onProblem }));
      const names = [...Object.values(SECRET_NAMES), ...files.names];
      const listener = await listenSds(sds, joined([own, files]), names, (name) => files.want(name));
      stack.defer(() => listener.close());
      const ended = new Promise<void>((resolve) => {
        if (terminal.signal.aborted) resolve();
        else terminal.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      if ("ready" in own) await Promise.race([own.ready, ended]);
      if (terminal.signal.aborted) return;
      if (out !== undefined && "writeFiles" in own) await own.writeFiles(out);
      if (call.values["check-revocation"] === true && "setRevocationLists" in own) {
        const client = grpcAuthorityClient({ address: ca ?? "", identity: own, ...server(call) });
        const following = await followRevocationLists({ client, agent: own, onProblem });
        stack.defer(() => following.close());
      }
      const workloadApi = call.text("workload-api");
      if (workloadApi !== undefined && "identity" in own) {
        const jwt = grpcJwtClient({ address: ca ?? "", agent: own, ...server(call), onProblem });
        stack.defer(() => jwt.close());
        const serving = await listenWorkloadApi({ address: workloadApi, agent: own, jwt, bundle: jwt });
        stack.defer(() => serving.close());
        say(`serving the SPIFFE Workload API on ${workloadApi}`);
      }
      if (ads !== undefined && node !== undefined && "identity" in own) {
        const onDisconnect = ({ message }: Error) => say(`no roots from ${ads}: ${message}`);
        const following = await followRoots({ agent: own, address: ads, node, onDisconnect });
        stack.defer(() => following.close());
      }
      if (call.json) printJson(terminal, { sds, ...(out ? { out } : {}), ...(workloadApi ? { workloadApi } : {}) });
      say(
        `serving secrets on ${sds}${out === undefined ? "" : `, ${Object.values(CERTIFICATE_FILES).join(", ")} in ${out}`}`,
      );
      await ended;
    });
    say("ending");
    return 0;
  },
};
