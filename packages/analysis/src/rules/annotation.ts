import { ANNOTATIONS } from "../annotations.ts";
import type { Rule } from "../rule.ts";

/** Set by Istio itself. */
const OWN = new Set(["sidecar.istio.io/status", "gateway.istio.io/controller-version", "istio.io/rev"]);
const UNSIGNED = (value: string) =>
  /^\d+$/.test(value) && Number(value) < 2 ** 32 ? undefined : "must be a whole number";
const PORTS = (value: string) =>
  value.split(",").every((port) => port.trim() === "" || (/^\s*\d+\s*$/.test(port) && Number(port) <= 65_535))
    ? undefined
    : "must be ports, separated by commas";
const PORTS_OR_ALL = (value: string) => (value === "*" ? undefined : PORTS(value));
const RANGES = (value: string) =>
  value.split(",").every((range) => range.trim() === "" || /^\s*[\da-fA-F.:]+\/\d{1,3}\s*$/.test(range))
    ? undefined
    : "must be address ranges, separated by commas";
const QUANTITY = (value: string) =>
  /^[+-]?\d+(\.\d*)?([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.test(value)
    ? undefined
    : "must be a quantity, such as 100m or 64Mi";

/** What the values of annotations must be; undefined: fine. */
const VALUES: Readonly<Record<string, (value: string) => string | undefined>> = {
  "sidecar.istio.io/interceptionMode": (value) =>
    ["REDIRECT", "TPROXY", "NONE"].includes(value) ? undefined : "must be REDIRECT, TPROXY or NONE",
  "status.sidecar.istio.io/port": UNSIGNED,
  "readiness.status.sidecar.istio.io/initialDelaySeconds": UNSIGNED,
  "readiness.status.sidecar.istio.io/periodSeconds": UNSIGNED,
  "readiness.status.sidecar.istio.io/failureThreshold": UNSIGNED,
  "traffic.sidecar.istio.io/includeOutboundIPRanges": (value) => (value === "*" ? undefined : RANGES(value)),
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": RANGES,
  "traffic.sidecar.istio.io/includeInboundPorts": PORTS_OR_ALL,
  "traffic.sidecar.istio.io/excludeInboundPorts": PORTS,
  "traffic.sidecar.istio.io/excludeOutboundPorts": PORTS,
  "prometheus.istio.io/merge-metrics": (value) =>
    /^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value) ? undefined : "must be true or false",
  "sidecar.istio.io/proxyCPU": QUANTITY,
  "sidecar.istio.io/proxyMemory": QUANTITY,
  "sidecar.istio.io/proxyCPULimit": QUANTITY,
  "sidecar.istio.io/proxyMemoryLimit": QUANTITY,
};

/** Istio's annotations: known, on the right kind, not on their way out, with a value that can be read. */
export const annotation: Rule = {
  name: "annotation",
  codes: ["IST0107", "IST0108", "IST0125", "IST0135"],
  kinds: ["Namespace", "Service", "Pod", "Deployment"],
  check({ kind, annotations, labels }, report) {
    for (const [name, value] of Object.entries(annotations)) {
      if ((!/^[^/]*istio\.io\//.test(name) && name !== "kubernetes.io/ingress.class") || OWN.has(name)) continue;
      const path = `metadata.annotations[${JSON.stringify(name)}]`;
      const known = Object.hasOwn(ANNOTATIONS, name) ? ANNOTATIONS[name] : undefined;
      if (known === undefined) {
        report("IST0108", `the annotation ${name} is not known`, path);
        continue;
      }
      const replaced = name === "sidecar.istio.io/inject" && labels[name] !== undefined;
      if (known.deprecated && !replaced) report("IST0135", `the annotation ${name} is deprecated`, path);
      if (known.kinds.includes("Any")) continue;
      if (!known.kinds.includes(kind)) {
        report("IST0107", `the annotation ${name} has an effect on ${known.kinds.join(", ")} only`, path);
        continue;
      }
      const fault = VALUES[name]?.(value);
      if (fault !== undefined)
        report("IST0125", `the annotation ${name} ${fault}, found ${JSON.stringify(value)}`, path);
    }
  },
};
