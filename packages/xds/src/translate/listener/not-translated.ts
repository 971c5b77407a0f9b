import { type ConfigObject, type ConnectionPool, refOf, type Sidecar } from "@fairlead/config";
import { namespaceAmong, policiesOf, type Query, type Reader, sidecarOf } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { telemetriesOf } from "./telemetry.ts";

/** Fields of ProxyConfig, with what reads them when a proxy starts. */
const START_FIELDS = {
  concurrency: "is a flag of the proxy's start (--concurrency)",
  environmentVariables: "are set when a proxy starts",
  image: "is chosen when a workload is injected",
} as const;

const found: Query<void, readonly Diagnostic[]> = {
  name: "not-translated",
  key: () => "",
  compute(read) {
    const field = (object: ObjectRef, path: string, message: string): Diagnostic => ({
      code: "unsupported-field",
      severity: "warning",
      object,
      path,
      message,
    });
    const whole = (object: ObjectRef, message: string): Diagnostic => ({
      code: "unsupported-kind",
      severity: "warning",
      object,
      path: "",
      message,
    });
    const starts = policiesOf(read, "ProxyConfig").flatMap((object) =>
      (Object.keys(START_FIELDS) as (keyof typeof START_FIELDS)[])
        .filter((name) => object.spec[name] !== undefined && object.spec[name] !== null)
        .map((name) =>
          field(
            refOf(object),
            `spec.${name}`,
            `${START_FIELDS[name]}: nothing of what a running proxy is sent changes`,
          ),
        ),
    );
    const groups = groupsOf(read).map((group) =>
      whole(refOf(group), "workloads are not registered by themselves: give each a WorkloadEntry"),
    );
    const metrics = telemetriesOf(read).flatMap((object) =>
      (object.spec.metrics ?? []).map((_, index) =>
        field(
          refOf(object),
          `spec.metrics[${index}]`,
          "the metrics of Istio's own filter do not exist in stock Envoy; Envoy's own statistics are unchanged",
        ),
      ),
    );
    const sidecar = sidecarOf(read);
    const ports = sidecar
      ? (["ingress", "egress"] as const).flatMap((list) =>
          (sidecar.spec[list] ?? []).flatMap(({ port }, index) =>
            port?.targetPort
              ? [field(refOf(sidecar), `spec.${list}[${index}].port.targetPort`, "is deprecated and has no effect")]
              : [],
          ),
        )
      : [];
    const inbound = sidecar
      ? inboundFields(sidecar.spec).map(([path, message]) => field(refOf(sidecar), `spec.${path}`, message))
      : [];
    return [...starts, ...groups, ...metrics, ...ports, ...inbound];
  },
};

/** The WorkloadGroup that the node asks to be registered by. */
function groupsOf(read: Reader): readonly ConfigObject[] {
  const namespaces = read.bucket("configNamespaces", "WorkloadGroup") ?? [];
  if (namespaces.length === 0) return [];
  const wanted = read.fact("workload group", ({ metadata }) => String(metadata.AUTO_REGISTER_GROUP ?? ""));
  if (!wanted) return [];
  const groups = read.bucket("config", `WorkloadGroup/${namespaceAmong(read, namespaces)}`) ?? [];
  return groups.filter(({ metadata }) => metadata.name === wanted);
}

/** What of a Sidecar's inbound half means something for other proxies only. */
function inboundFields({ ingress = [], inboundConnectionPool }: Sidecar): (readonly [path: string, message: string])[] {
  const upgrade = (pool: ConnectionPool | undefined, path: string) =>
    pool?.http?.h2UpgradePolicy && pool.http.h2UpgradePolicy !== "DEFAULT"
      ? [[`${path}.http.h2UpgradePolicy`, "requests to the workload keep their protocol: it has no effect"] as const]
      : [];
  return [
    ...upgrade(inboundConnectionPool, "inboundConnectionPool"),
    ...ingress.flatMap(({ connectionPool, tls }, index) => [
      ...upgrade(connectionPool, `ingress[${index}].connectionPool`),
      ...(tls?.httpsRedirect ? [[`ingress[${index}].tls.httpsRedirect`, "is for gateways only"] as const] : []),
    ]),
  ];
}

/** Says what holds for the node and is not translated. */
export function notTranslated(read: Reader): readonly Diagnostic[] {
  return read.ask(found, undefined);
}
