import { textStore } from "@fairlead/config";
import { secretGrants, secretResources } from "@fairlead/control-plane";
import { type Diagnostic, formatObject, type ProxyNode } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { canonicalize } from "@fairlead/xds/proto";
import { type Generated, secretNamesOf, translate } from "@fairlead/xds/translate";
import { type Command, MESH_OPTIONS } from "../command.ts";
import { type MeshInput, placed, readMesh } from "../mesh-input.ts";
import { printFinding, printJson } from "../output.ts";
import { readNode } from "./node.ts";

const MESSAGES = {
  clusters: "envoy.config.cluster.v3.Cluster",
  listeners: "envoy.config.listener.v3.Listener",
  routes: "envoy.config.route.v3.RouteConfiguration",
  endpoints: "envoy.config.endpoint.v3.ClusterLoadAssignment",
  extensions: "envoy.config.core.v3.TypedExtensionConfig",
  authorizations: "istio.security.Authorization",
  nameTables: "istio.networking.nds.v1.NameTable",
} as const;

function diagnosticRecord({ code, severity, path, message, object, position }: Diagnostic): object {
  return { code, severity, path, message, ...(object ? { resource: formatObject(object) } : {}), ...(position ?? {}) };
}

/** The credentials in the files that the node's resources name, and what is wrong with credentials. */
function readSecrets({ mesh, files }: MeshInput, node: ProxyNode) {
  const names = secretNamesOf(mesh, node);
  const store = textStore(Object.fromEntries(files.map(({ file, text }) => [file, text])));
  const credentials = manifestCredentials(store.documents);
  credentials.close();
  return {
    secrets: secretResources({ credentials, grants: secretGrants(store.documents) }, node.namespace, names, true),
    diagnostics: credentials.diagnostics(),
  };
}

export const xds: Command = {
  summary: "Prints the resources that a proxy is sent, as protobuf JSON.",
  usage: "-f FILE|FOLDER … --node node.json [--mesh-config FILE] [--mesh-networks FILE] [-o json]",
  options: { ...MESH_OPTIONS, node: { type: "string" } },
  required: ["node"],
  async run(call, terminal) {
    const { node } = await readNode(call.text("node") ?? "");
    const input = await readMesh(call, call.files, "declared");
    const made = translate(input.mesh, node);
    const print = (type: keyof typeof MESSAGES) =>
      made[type].map(({ resource }: Generated) => canonicalize(MESSAGES[type], resource));
    const { secrets, diagnostics: ofSecrets } = readSecrets(input, node);
    const diagnostics = [...input.diagnostics, ...ofSecrets, ...made.diagnostics].map((diagnostic) =>
      placed(diagnostic, input.locate),
    );
    const answer = {
      clusters: print("clusters"),
      listeners: print("listeners"),
      routes: print("routes"),
      endpoints: print("endpoints"),
      // Those of the control plane, without private keys; workload certificates come from the agent beside the proxy.
      secrets: secrets.map(({ resource }) => resource),
      extensions: print("extensions"),
      // Only ztunnels are sent these.
      ...(node.type === "ztunnel" ? { authorizations: print("authorizations") } : {}),
      // Only agents that answer DNS are sent one.
      ...(made.nameTables.length > 0 ? { nameTables: print("nameTables") } : {}),
      diagnostics: diagnostics.map(diagnosticRecord),
    };
    if (call.json) printJson(terminal, answer);
    else {
      for (const type of Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])
        for (const { name, sources } of made[type])
          terminal.out(
            `${type.slice(0, -1).padEnd(8)}  ${name}${sources.length > 0 ? `  (${sources.map(formatObject).join(", ")})` : ""}\n`,
          );
      for (const { name, source } of secrets)
        terminal.out(`${"secret".padEnd(8)}  ${name}  (${formatObject(source)})\n`);
      for (const diagnostic of diagnostics)
        printFinding(terminal, diagnostic, input.files.find(({ file }) => file === diagnostic.position?.file)?.text);
    }
    return diagnostics.some(({ severity }) => severity === "error") ? 1 : 0;
  },
};
