import { type MeshConfig, parseMeshConfig } from "@fairlead/config";
import { type NodeJson, type ProxyNode, parseNode } from "@fairlead/model";
import { candidates } from "../src/diff/candidate.ts";
import { type Call, evaluateResources } from "../src/evaluate-resources.ts";
import { meshFromYaml } from "../src/mesh/from-yaml.ts";
import { worldOf } from "../src/mesh/world.ts";
import { parseRequest } from "../src/request.ts";
import type { Resources } from "../src/resources.ts";
import { conformanceFolders, conformanceJson, conformanceText } from "./conformance-data.ts";
import { inboundCalls } from "./inbound-calls.ts";

/** A proxy of a mesh: what the real istiod sends it, and what we do. */
export interface Pair {
  readonly id: string;
  readonly node: ProxyNode;
  readonly istiod: Resources;
  readonly ours: Resources;
}

/**
 * What istiod was recorded to send is the bare listener, without the routes that the very same converter makes of a GRPCRoute
 * (as in the corpus of conversions).
 */
const RECORDED_WITHOUT_ROUTES = "gatewayapi-grpc";

/** Meshes of the corpus. */
export function* pairs(): Iterable<Pair> {
  for (const name of conformanceFolders("xds")) {
    if (name === RECORDED_WITHOUT_ROUTES) continue;
    const folder = `xds/${name}`;
    const text = conformanceText(`${folder}/mesh.yaml`) ?? "";
    const settings = conformanceText(`${folder}/meshconfig.yaml`);
    const meshConfig: MeshConfig | undefined =
      settings === undefined ? undefined : parseMeshConfig(settings, { file: "meshconfig.yaml" }).meshConfig;
    const { mesh } = meshFromYaml([{ file: "mesh.yaml", text }], {
      duplicateKeys: "last",
      sidecars: "declared",
      ...(meshConfig && { meshConfig }),
    });
    for (const proxy of conformanceJson<{ proxies: readonly string[] }>(`${folder}/case.json`).proxies) {
      const { node } = parseNode(conformanceJson<NodeJson>(`${folder}/proxies/${proxy}.json`));
      if (!node) throw new Error(`${folder}/${proxy}: no node`);
      const read = (type: string) => conformanceJson<never[] | null>(`${folder}/expected/${proxy}/${type}.json`) ?? [];
      const istiod = { listeners: read("lds"), routes: read("rds"), clusters: read("cds"), endpoints: read("eds") };
      yield { id: `${name}/${proxy}`, node, istiod, ours: worldOf(mesh, node).resources };
    }
  }
}

/** What becomes of one request, with what a client or a callee could notice. */
export function behaviour(resources: Resources, call: Call): unknown {
  const { listener, routeConfiguration, branches } = evaluateResources(resources, call);
  return {
    listener,
    routeConfiguration,
    branches: branches.map((branch) =>
      branch.kind === "forward"
        ? { ...branch, action: undefined, retryPolicy: undefined, headers: [...branch.headers].sort() }
        : branch,
    ),
  };
}

/** The requests that tell the resources of a pair apart, as calls. */
export function calls({ node, istiod, ours }: Pair): readonly Call[] {
  const arriving = node.type === "router" ? [] : inboundCalls([istiod, ours]);
  const made = [...candidates([istiod, ours], node, "cluster.local")].filter(({ inbound }) => !inbound);
  const leaving = made.map(({ request, at = "" }): Call => {
    const parsed = parseRequest(request);
    const colon = at.lastIndexOf(":");
    return {
      entry: node.type === "router" ? "bound" : "outbound",
      connection: {
        destination: { address: at.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(at.slice(colon + 1)) },
        source: { address: "192.0.2.1", port: 50_000 },
        tls: parsed.tls,
        sni: parsed.sni,
        alpn: parsed.alpn,
        protocol: parsed.protocol,
      },
      ...(parsed.http && { request: parsed.http }),
    };
  });
  return [...leaving, ...arriving];
}
