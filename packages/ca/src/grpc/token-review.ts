import { parseTrustDomain } from "@fairlead/model";
import { CaError } from "../error.ts";
import { type Authenticator, bearerToken } from "./authenticator.ts";
import { serviceAccountIdentity } from "./jwt.ts";

/** What a Kubernetes API server says of a token (TokenReview, authentication.k8s.io/v1); the shape `reviewToken` of `@fairlead/kubernetes` gives. */
export type ReviewedToken =
  | {
      readonly authenticated: true;
      readonly user: {
        readonly username: string;
        readonly groups: readonly string[];
        readonly extra: Readonly<Record<string, readonly string[]>>;
      };
      /** Those of the asked audiences that the token is for. */
      readonly audiences: readonly string[];
    }
  | { readonly authenticated: false; readonly reason: string };

export interface TokenReviewOptions {
  /** Asks the API server. Rejections deny the call. */
  readonly review: (token: string, audiences: readonly string[]) => Promise<ReviewedToken>;
  readonly trustDomain: string;
  /** Default Istio's, `istio-ca`. */
  readonly audiences?: readonly string[];
}

/** Names of `extra` values, and the attribute each becomes. */
const EXTRA: Readonly<Record<string, string>> = {
  "authentication.kubernetes.io/pod-name": "podName",
  "authentication.kubernetes.io/pod-uid": "podUid",
  "authentication.kubernetes.io/node-name": "nodeName",
};

/**
 * Accepts service account tokens that the API server vouches for. Denied: what is no service account, what is not for one
 * of the audiences, and answers that contradict themselves.
 */
export function tokenReview(options: TokenReviewOptions): Authenticator {
  const { review, audiences = ["istio-ca"] } = options;
  const trustDomain = parseTrustDomain(options.trustDomain);
  if (audiences.length === 0) throw new CaError("OPTION_INVALID", "at least one audience is needed");
  const deny = (why: string) => new CaError("UNAUTHENTICATED", why);
  return {
    name: "token-review",
    async authenticate(call) {
      const token = bearerToken(call);
      if (token === undefined) return undefined;
      const reviewed = await review(token, audiences);
      if (reviewed.authenticated !== true) throw deny(reviewed.reason);
      const { user } = reviewed;
      if (!reviewed.audiences.some((audience) => audiences.includes(audience)))
        throw deny("the token is for another audience");
      if (!user.groups.includes("system:serviceaccounts")) throw deny("the token is not a service account's");
      const identity = serviceAccountIdentity(trustDomain, user.username);
      const attributes: Record<string, string> = {};
      for (const [name, attribute] of Object.entries(EXTRA)) {
        const values = user.extra[name] ?? [];
        if (values.length > 1) throw deny(`the token has ${values.length} values of ${name}`);
        if (values[0] !== undefined) attributes[attribute] = values[0];
      }
      return { authenticator: "token-review", identity, attributes };
    },
  };
}
