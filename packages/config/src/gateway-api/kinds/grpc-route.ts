// Fields of sigs.k8s.io/gateway-api apis/v1 grpcroute_types.go. Limits and rules as in the CRD.
import { choice, type Infer, list, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { grpcFilter, validateFilters } from "./http-filter.ts";
import { headerName, hostname, sectionName } from "./names.ts";
import { weightedBackend } from "./references.ts";
import {
  commonRoute,
  sessionPersistence,
  validateBackend,
  validateParentRefs,
  validateRules,
  validateSessionPersistence,
} from "./route.ts";

const matchType = choice("Exact", "RegularExpression");

export const grpcRouteMatch = message({
  method: message({ type: matchType, service: text({ max: 1024 }), method: text({ max: 1024 }) }),
  headers: list(
    message({ type: matchType, name: required(headerName), value: required(text({ min: 1, max: 4096 })) }),
    { max: 16, unique: "name" },
  ),
});
export type GrpcRouteMatch = Infer<typeof grpcRouteMatch>;

const grpcBackend = message({ ...weightedBackend, filters: list(grpcFilter, { max: 16 }) });

export const grpcRule = message({
  name: sectionName,
  matches: list(grpcRouteMatch, { max: 64 }),
  filters: list(grpcFilter, { max: 16 }),
  backendRefs: list(grpcBackend, { max: 16 }),
  sessionPersistence,
});
export type GrpcRule = Infer<typeof grpcRule>;

export const grpcRoute = message({
  ...commonRoute,
  hostnames: list(hostname, { max: 16 }),
  rules: list(grpcRule, { max: 16 }),
});
/** GRPCRoute of the Gateway API. */
export type GrpcRoute = Infer<typeof grpcRoute>;

const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

export function validateGrpcRoute({ spec }: { readonly spec: GrpcRoute }, report: Report): void {
  validateParentRefs(spec.parentRefs, report);
  validateRules(spec.rules, report);
  (spec.rules ?? []).forEach((rule, index) => {
    const at = report.at("rules", index);
    (rule.matches ?? []).forEach(({ method }, position) => {
      if (!method) return;
      const inMethod = at.at("matches", position, "method");
      if (method.service === undefined && method.method === undefined)
        inMethod.error("required", "one or both of service and method must be specified");
      if ((method.type ?? "Exact") !== "Exact") return;
      if (method.service !== undefined && !SERVICE.test(method.service))
        inMethod
          .at("service")
          .error("invalid-format", `${JSON.stringify(method.service)} is no name of a gRPC service`);
      if (method.method !== undefined && !METHOD.test(method.method))
        inMethod.at("method").error("invalid-format", `${JSON.stringify(method.method)} is no name of a gRPC method`);
    });
    validateFilters(rule.filters, at.at("filters"));
    (rule.backendRefs ?? []).forEach((backend, position) => {
      validateBackend(backend, at.at("backendRefs", position));
      validateFilters(backend.filters, at.at("backendRefs", position, "filters"));
    });
    validateSessionPersistence(rule.sessionPersistence, at.at("sessionPersistence"));
  });
}
