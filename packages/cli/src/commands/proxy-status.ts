import { structurallyEqual } from "@fairlead/model";
import type { Dumped } from "@fairlead/simulator";
import { canonicalize, XdsError } from "@fairlead/xds/proto";
import { CliError } from "../cli-error.ts";
import type { Call, Command, Terminal } from "../command.ts";
import { readText } from "../input.ts";
import { paint, printJson } from "../output.ts";
import { askDump } from "../proxy/config-dump.ts";
import { askHttp, parseJson } from "../proxy/http.ts";
import { items, type Json, record, text } from "../proxy/json.ts";
import { printTable } from "../proxy/table.ts";

/** The part of `/debug/proxies` that is read here. */
interface ProxyStatus {
  readonly id: string;
  readonly address: string;
  readonly mode: string;
  readonly types: readonly {
    readonly type: string;
    readonly state: "synced" | "stale" | "refused";
    readonly resources: number;
    readonly version: string;
    readonly error?: string;
  }[];
}

function statusOf(proxy: Json): ProxyStatus {
  return {
    id: text(record(proxy.node).id),
    address: text(proxy.address),
    mode: text(proxy.mode),
    types: items(proxy.types).map(({ shortName, synced, resources, sentVersion, lastNack }) => {
      const error = lastNack === undefined || synced === true ? undefined : text(record(lastNack).message);
      return {
        type: text(shortName),
        state: error !== undefined ? "refused" : synced === true ? "synced" : "stale",
        resources: Number(resources ?? 0),
        version: text(sentVersion),
        ...(error === undefined ? {} : { error }),
      };
    }),
  };
}

/** Kinds that a control plane sends and an Envoy dumps, with the message of each. */
const COMPARED = {
  clusters: "envoy.config.cluster.v3.Cluster",
  listeners: "envoy.config.listener.v3.Listener",
  routes: "envoy.config.route.v3.RouteConfiguration",
  endpoints: "envoy.config.endpoint.v3.ClusterLoadAssignment",
  extensions: "envoy.config.core.v3.TypedExtensionConfig",
} as const;

interface Difference {
  readonly kind: string;
  readonly name: string;
  readonly what: "missing in the proxy" | "only in the proxy" | "different";
}

/** What a control plane means a proxy to have, against what the proxy's admin interface shows. */
function differences(meant: Json, dumped: readonly Dumped[]): readonly Difference[] {
  const has = dumped.filter(({ state }) => state === "active");
  return Object.entries(COMPARED).flatMap(([kind, message]) => {
    const ours = new Map(items(meant[kind]).map(({ resource }) => named(record(resource))));
    const theirs = new Map(has.filter((one) => one.kind === kind).map(({ name, resource }) => [name, resource]));
    const names = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
    return names.flatMap((name): readonly Difference[] => {
      const [one, other] = [ours.get(name), theirs.get(name)];
      if (other === undefined) return [{ kind, name, what: "missing in the proxy" }];
      // An Envoy shows endpoints of clusters that have none to be told of, too.
      if (one === undefined) return kind === "endpoints" ? [] : [{ kind, name, what: "only in the proxy" }];
      const same = structurallyEqual(comparable(message, one), comparable(message, other));
      return same ? [] : [{ kind, name, what: "different" }];
    });
  });
}

/** Without defaults; as it is where it holds messages that are not known here, such as filters of another build of Envoy. */
function comparable(message: string, resource: Json): unknown {
  if (message === COMPARED.endpoints) return endpointsOf(resource);
  try {
    return canonicalize(message, resource);
  } catch (error) {
    if (!(error instanceof XdsError)) throw error;
    return resource;
  }
}

/** An Envoy does not show an assignment as it came, but the endpoints that it made of it. */
function endpointsOf({ endpoints }: Json): readonly string[] {
  return items(endpoints)
    .flatMap(({ locality, priority = 0, lbEndpoints }) =>
      items(lbEndpoints).map(({ endpoint, loadBalancingWeight = 1 }) =>
        JSON.stringify([record(endpoint).address, loadBalancingWeight, priority, locality ?? {}]),
      ),
    )
    .sort();
}

function named(resource: Json): readonly [string, Json] {
  return [text(resource.name) || text(resource.clusterName), resource];
}

async function tokenOf(call: Call): Promise<string | undefined> {
  const file = call.text("token-file");
  return file === undefined ? undefined : (await readText(file)).trim();
}

function printAll(terminal: Terminal, proxies: readonly ProxyStatus[]): void {
  const types = [...new Set(proxies.flatMap((proxy) => proxy.types.map(({ type }) => type)))].sort();
  const cell = ({ types: all }: ProxyStatus, wanted: string) => {
    const found = all.find(({ type }) => type === wanted);
    return found ? `${found.state} (${found.resources})` : "-";
  };
  printTable(
    terminal,
    ["NAME", "ADDRESS", "MODE", ...types],
    proxies.map((proxy) => [proxy.id, proxy.address, proxy.mode, ...types.map((type) => cell(proxy, type))]),
  );
  for (const { id, types: all } of proxies)
    for (const { type, error } of all)
      if (error !== undefined) terminal.out(`${paint(terminal, "error", `${id} refuses ${type}`)}: ${error}\n`);
}

export const proxyStatus: Command = {
  summary:
    "Which proxies a control plane serves and what they took; with a proxy's admin address, what of it differs there.",
  usage:
    "--control-plane HOST:PORT [--token-file FILE] [NODE [--admin HOST:PORT] | --object KIND/NAMESPACE/NAME] [-o json]",
  options: {
    "control-plane": { type: "string" },
    "token-file": { type: "string" },
    admin: { type: "string" },
    object: { type: "string" },
  },
  required: ["control-plane"],
  positionals: { least: 0, most: 1 },
  async run(call, terminal) {
    const [address, admin, [wanted]] = [call.text("control-plane") ?? "", call.text("admin"), call.positionals];
    const token = await tokenOf(call);
    if (admin !== undefined) {
      if (wanted === undefined) throw new CliError("usage", "--admin needs to be told which NODE it is the address of");
      const path = `/debug/config_dump?proxy=${encodeURIComponent(wanted)}`;
      const meant = record(parseJson(await askHttp(address, path, { token }), address));
      const found = differences(meant, (await askDump(admin)).dumped);
      if (call.json) printJson(terminal, found);
      else if (found.length === 0)
        terminal.out(`${paint(terminal, "good", "the proxy has what it is meant to have")}\n`);
      else
        printTable(
          terminal,
          ["KIND", "NAME", ""],
          found.map(({ kind, name, what }) => [kind, name, what]),
        );
      return found.length === 0 ? 0 : 1;
    }
    const object = call.text("object");
    if (object !== undefined) {
      const path = `/debug/distribution?object=${encodeURIComponent(object)}`;
      const holdings = items(parseJson(await askHttp(address, path, { token }), address));
      if (call.json) printJson(terminal, holdings);
      else
        printTable(
          terminal,
          ["PROXY", "RESOURCE", "STATE", "HAS", "IS MEANT TO HAVE"],
          holdings.map(({ node, name, state, has, meant }) => [
            text(record(node).id),
            text(name),
            text(state),
            text(has) || "-",
            text(meant) || "-",
          ]),
        );
      return holdings.every(({ state }) => state === "accepted") ? 0 : 1;
    }
    const all = items(parseJson(await askHttp(address, "/debug/proxies", { token }), address)).map(statusOf);
    const proxies = all.filter(({ id }) => wanted === undefined || id.includes(wanted));
    if (wanted !== undefined && proxies.length === 0)
      throw new CliError("unreadable", `no proxy ${JSON.stringify(wanted)} is connected to ${address}`);
    if (call.json) printJson(terminal, proxies);
    else printAll(terminal, proxies);
    return proxies.some(({ types }) => types.some(({ state }) => state !== "synced")) ? 1 : 0;
  },
};
