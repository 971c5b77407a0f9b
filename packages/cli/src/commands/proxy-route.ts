import {
  type Branch,
  type Dumped,
  type Entry,
  evaluateResources,
  formatTrace,
  type Call as ProxyCall,
  parseRequest,
  recordTrace,
  resourcesFromConfigDump,
} from "@fairlead/simulator";
import { type Call, type Command, parseHeaders } from "../command.ts";
import { printJson } from "../output.ts";
import { dumpOf } from "../proxy/config-dump.ts";
import { record, text } from "../proxy/json.ts";
import { asUsage } from "../simulated.ts";

/** Addresses that nobody has (RFC 5737): a destination that only its port is known of, and a client. */
const SOMEWHERE = "192.0.2.1";
const CLIENT = { address: "192.0.2.2", port: 50_000 };

/** A gateway is dialled itself; from a sidecar connections are redirected, out of its workload unless told otherwise. */
function entryOf(dumped: readonly Dumped[], call: Call): Entry {
  if (call.values.inbound) return "inbound";
  const node = record(dumped.find(({ kind }) => kind === "bootstrap")?.resource.node);
  return text(node.id).startsWith("router~") ? "bound" : "outbound";
}

function proxyCall(call: Call, entry: Entry): ProxyCall {
  const [url = ""] = call.positionals;
  const method = call.text("method");
  const { host, port, http, tls, sni, alpn, protocol } = parseRequest({
    url,
    headers: parseHeaders(call),
    ...(method === undefined ? {} : { method }),
  });
  const peer = call.text("as");
  const address = call.text("to") ?? (/^[\d.]+$|:/.test(host) ? host : SOMEWHERE);
  return {
    entry,
    connection: {
      destination: { address, port },
      source: CLIENT,
      tls,
      sni,
      alpn,
      protocol,
      ...(peer === undefined ? {} : { peer: { uris: [peer] } }),
    },
    ...(http ? { request: http } : {}),
  };
}

function branchRecord(branch: Branch): object {
  if (branch.kind !== "forward") return branch;
  const { headers, ...rest } = branch;
  return { ...rest, headers: Object.fromEntries(headers) };
}

function branchWords(branch: Branch): string {
  const share = `${Math.round(branch.share * 1000) / 10} %`;
  if (branch.kind === "forward")
    return `${share} to ${branch.cluster}${branch.path === undefined ? "" : ` as ${branch.path}`}`;
  if (branch.kind === "closed") return `${share} closed: ${branch.reason}`;
  return `${share} answered with ${branch.reply.status}`;
}

export const proxyRoute: Command = {
  summary: "Where a running Envoy would send a request, and why, from its dump: no request is made.",
  usage:
    "(--admin HOST:PORT | -f DUMP.json) [--inbound] [--to ADDRESS] [--as SPIFFE_ID] [--method M] [-H 'k: v'] … URL [-o json]",
  options: {
    file: { type: "string", short: "f", multiple: true },
    admin: { type: "string" },
    inbound: { type: "boolean" },
    to: { type: "string" },
    as: { type: "string" },
    method: { type: "string" },
    header: { type: "string", short: "H", multiple: true },
  },
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const { json, dumped } = await dumpOf(call);
    const tracer = recordTrace();
    const { branches, ...place } = asUsage(() =>
      evaluateResources(resourcesFromConfigDump(json), proxyCall(call, entryOf(dumped, call)), tracer),
    );
    if (call.json) printJson(terminal, { ...place, branches: branches.map(branchRecord), trace: tracer.steps });
    else terminal.out(`${formatTrace(tracer.steps)}\n\n${branches.map(branchWords).join("\n")}\n`);
    return 0;
  },
};
