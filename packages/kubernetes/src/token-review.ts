import type { KubernetesClient, RequestScope } from "./client.ts";
import { RESOURCES } from "./resource-type.ts";

/** Whose token it is. */
export interface ReviewedUser {
  /** `system:serviceaccount:NAMESPACE:NAME` for a service account. */
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type TokenReviewResult =
  | { readonly authenticated: true; readonly user: ReviewedUser; readonly audiences: readonly string[] }
  | { readonly authenticated: false; readonly reason: string };

/**
 * Asks the API server whose bearer token this is and whether it is meant for one of `audiences`. A server that does not
 * say which of them it is for did not check, and the answer is no.
 *
 * Source: Kubernetes API reference, TokenReview (authentication.k8s.io/v1).
 */
export async function reviewToken(
  client: KubernetesClient,
  token: string,
  audiences: readonly string[],
  scope: Pick<RequestScope, "signal"> = {},
): Promise<TokenReviewResult> {
  const review = await client.create(RESOURCES.tokenReviews, { spec: { token, audiences } }, scope);
  const status = (review.status ?? {}) as {
    readonly authenticated?: boolean;
    readonly error?: string;
    readonly audiences?: readonly string[];
    readonly user?: Partial<ReviewedUser>;
  };
  if (status.authenticated !== true || !status.user?.username)
    return { authenticated: false, reason: status.error || "the token is not valid" };
  const matching = (status.audiences ?? []).filter((audience) => audiences.includes(audience));
  if (audiences.length > 0 && matching.length === 0)
    return { authenticated: false, reason: `the token is not for ${audiences.join(" or ")}` };
  const { username, uid = "", groups = [], extra = {} } = status.user;
  return { authenticated: true, user: { username, uid, groups, extra }, audiences: matching };
}
