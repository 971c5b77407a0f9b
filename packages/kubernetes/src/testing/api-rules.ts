import type { JsonPatchOperation } from "../client.ts";
import type { KubernetesObject } from "../object.ts";
import { StatusError } from "./object-store.ts";
import { applyJsonPatch, applyMergePatch } from "./patch.ts";

/** Users by token. */
export type ReviewableUsers = Readonly<
  Record<
    string,
    { readonly username: string; readonly groups?: readonly string[]; readonly audiences: readonly string[] }
  >
>;

/** What a write to the object or to one of its subresources may change. */
export function restrict(
  current: KubernetesObject,
  wanted: KubernetesObject,
  subresource: string | undefined,
): KubernetesObject {
  const { resourceVersion } = wanted.metadata;
  if (subresource === undefined) return { ...wanted, status: current.status };
  return {
    ...current,
    metadata: { ...current.metadata, ...(resourceVersion && { resourceVersion }) },
    status: wanted.status,
  };
}

export function patched(current: KubernetesObject, contentType: string, body: unknown): unknown {
  if (contentType === "application/merge-patch+json") {
    // Without a version in it, a patch is not conditional.
    const base = { ...current, metadata: { ...current.metadata, resourceVersion: undefined } };
    return applyMergePatch(base, body);
  }
  if (contentType !== "application/json-patch+json")
    throw new StatusError(415, "UnsupportedMediaType", `${contentType} is not supported`);
  try {
    return applyJsonPatch(current, body as readonly JsonPatchOperation[]);
  } catch (error) {
    throw new StatusError(422, "Invalid", String(error));
  }
}

export function sign(request: KubernetesObject, signer: (csr: string) => string): KubernetesObject {
  const csr = Buffer.from(String((request.spec as { request?: unknown }).request), "base64").toString("utf8");
  const certificate = Buffer.from(signer(csr), "utf8").toString("base64");
  return { ...request, status: { ...(request.status as object), certificate } };
}

export function review(object: KubernetesObject, users: ReviewableUsers): KubernetesObject {
  const { token, audiences = [] } = object.spec as { readonly token: string; readonly audiences?: readonly string[] };
  const user = Object.hasOwn(users, token) ? users[token] : undefined;
  const matching = user?.audiences.filter((audience) => audiences.includes(audience)) ?? [];
  if (!user || (audiences.length > 0 && matching.length === 0))
    return { ...object, status: { authenticated: false, error: "invalid bearer token" } };
  const { username, groups = [] } = user;
  return { ...object, status: { authenticated: true, user: { username, uid: "u", groups }, audiences: matching } };
}

/** Equality-based label selectors, and field selectors on the name. */
export function selector(query: URLSearchParams): (object: KubernetesObject) => boolean {
  const labels = (query.get("labelSelector") ?? "").split(",").filter(Boolean);
  const name = /^metadata\.name=(.+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
  return ({ metadata }) =>
    (name === undefined || metadata.name === name) &&
    labels.every((term) => {
      const [, key = "", operator, value] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? [];
      return (metadata.labels?.[key] === value) === (operator !== "!=");
    });
}
