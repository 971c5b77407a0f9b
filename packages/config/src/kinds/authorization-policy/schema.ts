// Fields of istio/api security/v1beta1. Limits as in the CRD.
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
/** Where a request comes from: all that is set must hold, of a list one value. */
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
/** What is asked for: all that is set must hold, of a list one value. */
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
/** An attribute (`request.headers[x]`) with allowed or forbidden values. */
export type AuthorizationCondition = Infer<typeof authorizationCondition>;

export const authorizationRule = message({
  from: list(authorizationFrom, { max: 512 }),
  to: list(authorizationTo),
  when: list(authorizationCondition),
});
/** Applies when one of `from`, one of `to` and all of `when` do. */
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
/** Who may call what. Evaluated in the order CUSTOM, DENY, ALLOW; without rules ALLOW denies everything. */
export type AuthorizationPolicy = Infer<typeof authorizationPolicy>;
