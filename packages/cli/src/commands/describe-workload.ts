import type { ConfigObject, KindName } from "@fairlead/config";
import {
  Derivations,
  peerAuthenticationOf,
  policiesOf,
  type Query,
  type Reader,
  serviceTargetsOf,
  sidecarOf,
  trustDomainOf,
} from "@fairlead/mesh";
import { formatObject, type ObjectRef, type ProxyNode, workloadSpiffeId } from "@fairlead/model";
import { findNode, UNKNOWN_ADDRESS } from "@fairlead/simulator";
import { type Command, MESH_OPTIONS, type Terminal } from "../command.ts";
import { type MeshInput, readMesh } from "../mesh-input.ts";
import { paint, printJson, printLeftOut } from "../output.ts";
import { printTable } from "../proxy/table.ts";
import { asUsage } from "../simulated.ts";

/** Kinds that hold for a workload by selector, target or namespace, in the order in which they are shown. */
const POLICIES = [
  "AuthorizationPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
  "Telemetry",
  "WasmPlugin",
  "TrafficExtension",
  "EnvoyFilter",
  "ProxyConfig",
] as const satisfies readonly KindName[];

interface Policy {
  readonly resource: string;
  /** What it says, in a few words; empty where its kind says enough. */
  readonly says: string;
  readonly file?: string;
  readonly line?: number;
}

interface Description {
  readonly workload: string;
  readonly type: ProxyNode["type"];
  readonly identity: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly services: readonly {
    readonly service: string;
    readonly port: number;
    readonly targetPort: number;
    readonly protocol: string;
    readonly mutualTls: string;
  }[];
  readonly mutualTls: { readonly mode: string; readonly from: readonly string[] };
  readonly sidecar?: string;
  readonly policies: readonly Policy[];
}

function saysOf(object: ConfigObject): string {
  if (object.kind === "AuthorizationPolicy") {
    const { action = "ALLOW", rules = [] } = (object as ConfigObject<"AuthorizationPolicy">).spec;
    const nothing = action === "ALLOW" ? "allows nothing" : "does nothing";
    return `${action}, ${rules.length === 0 ? nothing : `${rules.length} rule${rules.length === 1 ? "" : "s"}`}`;
  }
  if (object.kind === "PeerAuthentication")
    return (object as ConfigObject<"PeerAuthentication">).spec.mtls?.mode ?? "UNSET";
  if (object.kind === "RequestAuthentication")
    return ((object as ConfigObject<"RequestAuthentication">).spec.jwtRules ?? [])
      .map(({ issuer = "any issuer" }) => issuer)
      .join(", ");
  return "";
}

const describing = (node: ProxyNode, { locate }: MeshInput): Query<void, Description> => ({
  name: "description",
  key: () => "",
  compute(read: Reader) {
    const policies = POLICIES.flatMap((kind) =>
      policiesOf(read, kind).map((object): Policy => {
        const ref: ObjectRef = { kind, namespace: object.metadata.namespace, name: object.metadata.name };
        const { file, line } = locate(ref, "") ?? {};
        return { resource: formatObject(ref), says: saysOf(object), ...(file && { file }), ...(line && { line }) };
      }),
    );
    const authentication = peerAuthenticationOf(read);
    const sidecar = sidecarOf(read);
    return {
      workload: node.name,
      type: node.type,
      identity: workloadSpiffeId(trustDomainOf(read), node.namespace, node.serviceAccount || "default").uri,
      addresses: node.ipAddresses.filter((address) => address !== UNKNOWN_ADDRESS),
      labels: node.labels,
      services: serviceTargetsOf(read).map(({ service, port, targetPort }) => ({
        service: service.hostname,
        port: port.number,
        targetPort,
        protocol: port.protocol,
        mutualTls: authentication.ports[targetPort] ?? authentication.mode,
      })),
      mutualTls: { mode: authentication.mode, from: authentication.sources.map(formatObject) },
      ...(sidecar && { sidecar: `Sidecar ${sidecar.metadata.namespace}/${sidecar.metadata.name}` }),
      policies,
    };
  },
});

function print(terminal: Terminal, description: Description): void {
  const { workload, type, identity, addresses, labels, services, mutualTls, sidecar, policies } = description;
  terminal.out(`${paint(terminal, "bold", workload)} (${type})\n`);
  terminal.out(`  identity    ${identity}\n`);
  terminal.out(`  addresses   ${addresses.join(", ") || "-"}\n`);
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  terminal.out(`  labels      ${named.join(", ") || "-"}\n`);
  const from = mutualTls.from.length === 0 ? "the default" : mutualTls.from.join(", ");
  terminal.out(`  mutual TLS  ${mutualTls.mode} (${from})\n`);
  if (sidecar !== undefined) terminal.out(`  sidecar     ${sidecar}\n`);
  terminal.out("\n");
  if (services.length === 0) terminal.out("no service leads here\n");
  else
    printTable(
      terminal,
      ["SERVICE", "PORT", "TARGET", "PROTOCOL", "MUTUAL TLS"],
      services.map((one) => [one.service, String(one.port), String(one.targetPort), one.protocol, one.mutualTls]),
    );
  terminal.out("\n");
  if (policies.length === 0) terminal.out("no policy holds\n");
  else
    printTable(
      terminal,
      ["POLICY", "SAYS", "FROM"],
      policies.map(({ resource, says, file, line }) => [resource, says || "-", file ? `${file}:${line}` : "-"]),
    );
}

export const describeWorkload: Command = {
  summary: "What holds for a workload: identity, services, mutual TLS of its ports, and every policy with its place.",
  usage: "-f FILE|FOLDER … [--mesh-config FILE] [--mesh-networks FILE] WORKLOAD.NAMESPACE [-o json]",
  options: MESH_OPTIONS,
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const input = await readMesh(call, call.files, "assumed");
    printLeftOut(terminal, input.diagnostics);
    const node = asUsage(() => findNode(input.mesh, call.positionals[0] ?? ""));
    const description = new Derivations(input.mesh).ask(describing(node, input), undefined, node);
    if (call.json) printJson(terminal, description);
    else print(terminal, description);
    return 0;
  },
};
