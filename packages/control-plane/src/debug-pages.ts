import type { Authority } from "@fairlead/ca";
import { formatObject, type NodeJson, parseNode } from "@fairlead/model";
import type { Credentials } from "@fairlead/registry/credentials";
import type { DiscoveryServer } from "@fairlead/xds/server";
import { secretNamesOf, translate } from "@fairlead/xds/translate";
import type { ControlPlane } from "./control-plane.ts";
import { expose, type Histogram, type MetricFamily } from "./exposition.ts";
import type { Page } from "./pages.ts";
import type { SecretGrants } from "./reference-grants.ts";
import type { RolloutSource } from "./rollout/rollout-source.ts";
import type { Clock } from "./scheduler.ts";
import { secretResources } from "./secrets.ts";

export interface DebugContext {
  readonly plane: ControlPlane;
  readonly server: DiscoveryServer;
  readonly source: RolloutSource;
  readonly pushTimes: Histogram;
  readonly updateTimes: Histogram;
  readonly clock: Clock;
  /** By `clock`. */
  readonly started: number;
  readonly authority: Authority | undefined;
  readonly credentials: Credentials | undefined;
  readonly grants: SecretGrants | undefined;
  readonly isReady: () => boolean;
}

/** Health, metrics and debug pages of a control plane. */
export function debugPages(context: DebugContext): Readonly<Record<string, (query: URLSearchParams) => Page>> {
  const { plane, isReady } = context;
  const pages: Record<string, (query: URLSearchParams) => Page> = {
    "/healthz": () => ({ text: "ok\n" }),
    "/readyz": () => (isReady() ? { text: "ok\n" } : { status: 503, text: "not serving yet\n" }),
    "/metrics": () => ({ text: expose(metrics(context)) }),
    "/debug": () => ({ json: Object.keys(pages).filter((path) => path.startsWith("/debug/")) }),
    "/debug/proxies": () => ({ json: plane.proxies() }),
    "/debug/config_dump": (query) => configDump(context, query.get("proxy")),
    "/debug/mesh": () => ({ json: meshOverview(context) }),
    "/debug/distribution": (query) => distribution(context, query.get("object") ?? ""),
    "/debug/rollout": () => ({ json: plane.rollout }),
    "/debug/diagnostics": () => ({ json: plane.diagnostics() }),
  };
  return pages;
}

/** What a connected proxy is meant to have, translated anew: `?proxy=NODE_ID` or the part of it that names one proxy. */
function configDump({ plane, source, credentials, grants }: DebugContext, wanted: string | null): Page {
  const known = plane.proxies().map(({ node }) => node);
  const found = known.filter(({ id = "" }) => wanted !== null && (id === wanted || id.includes(wanted)));
  const [json] = found;
  if (!json || found.length > 1) {
    const ids = (found.length > 1 ? found : known).map(({ id }) => id);
    return {
      status: 404,
      text: `${wanted ? `${JSON.stringify(wanted)} names ${found.length} proxies` : "say ?proxy=NODE"}; connected are\n${ids.join("\n")}\n`,
    };
  }
  const { node } = parseNode(json as NodeJson);
  if (!node) return { status: 404, text: "that node cannot be read\n" };
  const { diagnostics, ...types } = translate(source.meshOf(node), node);
  const names = secretNamesOf(source.meshOf(node), node);
  const secrets = credentials
    ? secretResources({ credentials, ...(grants ? { grants } : {}) }, node.namespace, names, true)
    : [];
  const resources = Object.fromEntries(
    Object.entries(types).map(([type, list]) => [
      type,
      list.map(({ resource, sources }) => ({ resource, sources: sources.map(formatObject) })),
    ]),
  );
  const shown = secrets.map(({ resource, source }) => ({ resource, sources: [formatObject(source)] }));
  return { json: { node: json, ...resources, secrets: shown, diagnostics } };
}

/** Who has what is made from an object: `?object=Kind/namespace/name`. */
function distribution({ plane }: DebugContext, wanted: string): Page {
  const [kind, namespace, name, ...more] = wanted.split(/[ /]/);
  if (!kind || !namespace || !name || more.length > 0)
    return { status: 404, text: "say ?object=Kind/namespace/name\n" };
  return { json: plane.distribution({ kind, namespace, name }) };
}

function meshOverview({ plane, source }: DebugContext): object {
  const { mesh } = plane;
  const services = [...mesh.services()].map(({ hostname, namespace, registry, ports, resolution }) => ({
    hostname,
    namespace,
    registry,
    ports: ports.map(({ number, protocol }) => `${number}/${protocol}`),
    resolution,
    endpoints: mesh.bucket("endpoints", `${namespace}/${hostname}`)?.length ?? 0,
  }));
  return { meshConfig: mesh.meshConfig, services, derived: source.statistics };
}

function metrics({
  plane,
  server,
  source,
  pushTimes,
  updateTimes,
  clock,
  started,
  authority,
}: DebugContext): readonly MetricFamily[] {
  const { streams, ...counters } = server.metrics();
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const counted = (["requests", "responses", "acks", "nacks", "resourcesSent", "removalsSent"] as const).map(
    (name): MetricFamily => ({
      name: `fairlead_xds_${snake(name)}_total`,
      help: `Discovery ${snake(name).replaceAll("_", " ")} by resource type.`,
      type: "counter",
      samples: Object.entries(counters[name]).map(([type, value]) => ({ labels: { type }, value })),
    }),
  );
  const single = (name: string, help: string, type: "counter" | "gauge", value: number): MetricFamily => ({
    name,
    help,
    type,
    samples: [{ value }],
  });
  const proxies = plane.proxies();
  const severities = ["error", "warning", "info"] as const;
  const found = plane.diagnostics();
  return [
    single(
      "fairlead_uptime_seconds",
      "Time since the control plane was composed.",
      "gauge",
      (clock.now() - started) / 1000,
    ),
    single("fairlead_xds_streams", "Open discovery streams.", "gauge", streams),
    single(
      "fairlead_xds_synced_proxies",
      "Proxies that have accepted everything.",
      "gauge",
      proxies.filter(({ types }) => types.length > 0 && types.every((type) => type.synced)).length,
    ),
    ...counted,
    single("fairlead_xds_streams_opened_total", "Streams opened.", "counter", counters.streamsOpened),
    single("fairlead_xds_streams_refused_total", "Streams turned away.", "counter", counters.streamsRefused),
    single(
      "fairlead_xds_bytes_sent_total",
      "Bytes of responses handed to the transport.",
      "counter",
      counters.bytesSent,
    ),
    single(
      "fairlead_xds_stale_nonces_total",
      "Answers to responses that were not the latest.",
      "counter",
      counters.staleNonces,
    ),
    single(
      "fairlead_xds_bytes_in_flight",
      "Bytes of responses that the transport has not taken yet.",
      "gauge",
      counters.bytesInFlight,
    ),
    single(
      "fairlead_xds_rejected_versions",
      "Resource versions that were rejected and are not sent again.",
      "gauge",
      counters.rejectedVersions,
    ),
    pushTimes.family("fairlead_xds_ack_seconds", "Time from a response to its acceptance."),
    updateTimes.family("fairlead_mesh_update_seconds", "Time to move the resources to a new mesh."),
    single("fairlead_derived_values", "Derived values held.", "gauge", source.statistics.values),
    single(
      "fairlead_derived_computations_total",
      "Derived values computed.",
      "counter",
      source.statistics.computations,
    ),
    single("fairlead_services", "Services of the mesh.", "gauge", [...plane.mesh.services()].length),
    {
      name: "fairlead_diagnostics",
      help: "What is wrong now, by severity.",
      type: "gauge",
      samples: severities.map((severity) => ({
        labels: { severity },
        value: found.filter((one) => one.severity === severity).length,
      })),
    },
    ...(authority
      ? [
          single(
            "fairlead_ca_expiry_timestamp_seconds",
            "End of the signing chain.",
            "gauge",
            authority.notAfter / 1000,
          ),
        ]
      : []),
  ];
}
