import { choice, type Infer, list, message, required, text } from "../../schema/message.ts";
import { policyTargetReference, workloadSelector } from "../shared/selector.ts";

export const authorizationSource = message({
  principals: list(text()),
  notPrincipals: list(text()),
  requestPrincipals: list(text()),
  notRequestPrincipals: list(text()),
  namespaces: list(text()),
  notNamespaces: list(text()),
  serviceAccounts: list(text({ max: 320 }), { max: 16 }),
  notServiceAccounts: list(text({ max: 320 }), { max: 16 }),
  ipBlocks: list(text()),
  notIpBlocks: list(text()),
  remoteIpBlocks: list(text()),
  notRemoteIpBlocks: list(text()),
  trustDomains: list(text()),
  notTrustDomains: list(text()),
});
export type AuthorizationSource = Infer<typeof authorizationSource>;

export const authorizationFrom = message({
  source: authorizationSource,
});
export type AuthorizationFrom = Infer<typeof authorizationFrom>;

export const authorizationOperation = message({
  hosts: list(text()),
  notHosts: list(text()),
  ports: list(text()),
  notPorts: list(text()),
  methods: list(text()),
  notMethods: list(text()),
  paths: list(text()),
  notPaths: list(text()),
});
export type AuthorizationOperation = Infer<typeof authorizationOperation>;

export const authorizationTo = message({
  operation: authorizationOperation,
});
export type AuthorizationTo = Infer<typeof authorizationTo>;

export const authorizationCondition = message({
  key: required(text()),
  values: list(text()),
  notValues: list(text()),
});
export type AuthorizationCondition = Infer<typeof authorizationCondition>;

export const authorizationRule = message({
  from: list(authorizationFrom, { max: 512 }),
  to: list(authorizationTo),
  when: list(authorizationCondition),
});
export type AuthorizationRule = Infer<typeof authorizationRule>;

export const authorizationProvider = message({
  name: text(),
});
export type AuthorizationProvider = Infer<typeof authorizationProvider>;

export const authorizationPolicy = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference, { max: 16 }),
  rules: list(authorizationRule, { max: 512 }),
  action: choice("ALLOW", "DENY", "AUDIT", "CUSTOM"),
  provider: authorizationProvider,
});
export type AuthorizationPolicy = Infer<typeof authorizationPolicy>;
