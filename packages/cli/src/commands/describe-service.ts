import {
  allVirtualServices,
  Derivations,
  destinationRuleOf,
  endpointsOf,
  type Query,
  type Reader,
} from "@fairlead/mesh";
import { formatObject, hostsOverlap, matchesLabels, type ProxyNode, parseNode, type Service } from "@fairlead/model";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS, type Terminal } from "../command.ts";
import { type MeshInput, readMesh } from "../mesh-input.ts";
import { paint, printJson, printLeftOut } from "../output.ts";
import { printTable } from "../proxy/table.ts";

interface Description {
  readonly service: string;
  readonly from: string;
  readonly addresses: readonly string[];
  readonly resolution: string;
  readonly ports: readonly { readonly port: number; readonly name: string; readonly protocol: string }[];
  readonly endpoints: readonly {
    readonly address: string;
    readonly workload: string;
    readonly health: string;
    readonly mutualTls: boolean;
  }[];
  readonly destinationRule?: {
    readonly resources: readonly string[];
    readonly tls: string;
    readonly subsets: readonly { readonly name: string; readonly endpoints: number }[];
  };
  readonly virtualServices: readonly {
    readonly resource: string;
    readonly gateways: readonly string[];
    readonly rules: number;
    readonly file?: string;
    readonly line?: number;
  }[];
}

const describing = (service: Service, { locate }: MeshInput): Query<void, Description> => ({
  name: "description",
  key: () => "",
  compute(read: Reader) {
    const endpoints = endpointsOf(read, service);
    const rule = destinationRuleOf(read, service);
    return {
      service: service.hostname,
      from: formatObject(service.source),
      addresses: service.addresses,
      resolution: service.resolution,
      ports: service.ports.map(({ number, name, protocol }) => ({ port: number, name, protocol })),
      endpoints: endpoints.map(({ addresses, workloadName = "", namespace, health, tlsMode }) => ({
        address: addresses[0] ?? "",
        workload: `${workloadName || "-"}.${namespace}`,
        health,
        mutualTls: tlsMode === "istio",
      })),
      ...(rule && {
        destinationRule: {
          resources: rule.objects.map(({ metadata }) => `DestinationRule ${metadata.namespace}/${metadata.name}`),
          tls: rule.spec.trafficPolicy?.tls?.mode ?? "automatic",
          subsets: (rule.spec.subsets ?? []).map(({ name = "", labels = {} }) => ({
            name,
            endpoints: endpoints.filter((endpoint) => matchesLabels(labels, endpoint.labels)).length,
          })),
        },
      }),
      virtualServices: allVirtualServices(read)
        .filter(({ hosts }) => hosts.some((host) => hostsOverlap(host, service.hostname)))
        .map(({ namespace, name, gateways, http, tls, tcp }) => {
          const { file, line } = locate({ kind: "VirtualService", namespace, name }, "") ?? {};
          return {
            resource: `VirtualService ${namespace}/${name}`,
            gateways,
            rules: http.length + tls.length + tcp.length,
            ...(file && { file }),
            ...(line && { line }),
          };
        }),
    };
  },
});

/** `NAME.NAMESPACE` or a host name. */
function findService({ mesh }: MeshInput, wanted: string): Service {
  const all = [...mesh.services()];
  const found =
    all.find(({ hostname }) => hostname === wanted) ??
    all.find(
      ({ name, namespace }) => `${name}.${namespace}` === wanted || (namespace === "default" && name === wanted),
    );
  if (found) return found;
  const known = all.map(({ hostname }) => hostname).sort();
  throw new CliError("usage", `there is no service ${JSON.stringify(wanted)}; there are ${known.join(", ") || "none"}`);
}

function print(terminal: Terminal, description: Description): void {
  const { service, from, addresses, resolution, ports, endpoints, destinationRule, virtualServices } = description;
  terminal.out(`${paint(terminal, "bold", service)} (${from})\n`);
  terminal.out(`  addresses         ${addresses.join(", ") || "-"}\n`);
  terminal.out(`  resolution        ${resolution}\n`);
  terminal.out(
    `  ports             ${ports.map(({ port, name, protocol }) => `${port}/${protocol} (${name})`).join(", ")}\n`,
  );
  if (destinationRule) {
    const subsets = destinationRule.subsets.map(({ name, endpoints: count }) => `${name} (${count} endpoints)`);
    terminal.out(`  destination rule  ${destinationRule.resources.join(", ")}, TLS ${destinationRule.tls}\n`);
    if (subsets.length > 0) terminal.out(`  subsets           ${subsets.join(", ")}\n`);
  }
  terminal.out("\n");
  if (endpoints.length === 0) terminal.out("no endpoint\n");
  else
    printTable(
      terminal,
      ["ENDPOINT", "WORKLOAD", "HEALTH", "MUTUAL TLS"],
      endpoints.map(({ address, workload, health, mutualTls }) => [
        address,
        workload,
        health,
        mutualTls ? "yes" : "no",
      ]),
    );
  terminal.out("\n");
  if (virtualServices.length === 0) terminal.out("no VirtualService is for this host\n");
  else
    printTable(
      terminal,
      ["VIRTUAL SERVICE", "GATEWAYS", "RULES", "FROM"],
      virtualServices.map(({ resource, gateways, rules, file, line }) => [
        resource,
        gateways.join(", "),
        String(rules),
        file ? `${file}:${line}` : "-",
      ]),
    );
}

export const describeService: Command = {
  summary: "What holds for a service: ports, endpoints, subsets, and the rules for it with their places.",
  usage: "-f FILE|FOLDER … [--mesh-config FILE] [--mesh-networks FILE] NAME.NAMESPACE|HOST [-o json]",
  options: MESH_OPTIONS,
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const input = await readMesh(call, call.files, "assumed");
    printLeftOut(terminal, input.diagnostics);
    const service = findService(input, call.positionals[0] ?? "");
    // As clients of its own namespace see it.
    const { namespace } = service;
    const { node } = parseNode({ id: `sidecar~192.0.2.1~client.${namespace}~${namespace}.svc.cluster.local` });
    const description = new Derivations(input.mesh).ask(describing(service, input), undefined, node as ProxyNode);
    if (call.json) printJson(terminal, description);
    else print(terminal, description);
    return 0;
  },
};
