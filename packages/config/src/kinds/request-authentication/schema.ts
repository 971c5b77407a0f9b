// Fields of istio/api security/v1beta1. Limits as in the CRD.
import { alsoNamed, choice, duration, flag, type Infer, list, message, required, text } from "../../schema/message.ts";
import { policyTargetReference, workloadSelector } from "../shared/selector.ts";

export const jwtHeader = message({
  name: required(text({ min: 1 })),
  prefix: text(),
});
export type JwtHeader = Infer<typeof jwtHeader>;

export const claimToHeader = message({
  header: required(text({ min: 1, pattern: /^[-_A-Za-z0-9]+$/ })),
  claim: required(text({ min: 1 })),
});
export type ClaimToHeader = Infer<typeof claimToHeader>;

export const jwtRule = message({
  issuer: text({ min: 1 }),
  audiences: list(text({ min: 1 })),
  presence: choice("OPTIONAL", "REQUIRED"),
  jwksUri: alsoNamed("jwks_uri", text({ min: 1, max: 2048 })),
  jwks: text(),
  fromHeaders: list(jwtHeader),
  fromParams: list(text({ min: 1 })),
  outputPayloadToHeader: text(),
  fromCookies: list(text({ min: 1 })),
  forwardOriginalToken: flag(),
  outputClaimToHeaders: list(claimToHeader),
  timeout: duration(),
  spaceDelimitedClaims: list(text({ min: 1 }), { max: 64 }),
});
/** An issuer and where its tokens and keys are found. */
export type JwtRule = Infer<typeof jwtRule>;

export const requestAuthentication = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference, { max: 16 }),
  jwtRules: list(jwtRule, { max: 4096 }),
});
/** Which JSON Web Tokens are accepted. Invalid ones are refused, missing ones are not. */
export type RequestAuthentication = Infer<typeof requestAuthentication>;
