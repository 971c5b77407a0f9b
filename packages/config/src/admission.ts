import { isRecord } from "./common/record.ts";
import { kindOf } from "./kinds.ts";
import { type ValidateOptions, validateDocument } from "./validation/validate.ts";

/** `AdmissionReview` of `admission.k8s.io/v1`, as far as it is read. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation?: string;
  /** The object as it shall be; absent when it is deleted. */
  readonly object?: unknown;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  /** Shown to the user by the API server. */
  readonly status?: { readonly code: number; readonly message: string };
  readonly warnings?: readonly string[];
}

/** Warnings longer than this the API server cuts off. */
const MAX_WARNING_LENGTH = 256;

/**
 * Answers a cluster's question whether an object may be created or changed. Pure; the webhook around it is in
 * `@fairlead/control-plane`. Objects of other kinds and deletions are allowed.
 */
export function reviewAdmission(
  { uid, operation, object }: AdmissionRequest,
  options: Pick<ValidateOptions, "envoy"> = {},
): AdmissionResponse {
  const ours =
    isRecord(object) &&
    typeof object.apiVersion === "string" &&
    typeof object.kind === "string" &&
    kindOf(object.apiVersion, object.kind) !== undefined;
  if (!ours || operation === "DELETE" || operation === "CONNECT") return { uid, allowed: true };
  const { diagnostics } = validateDocument(object, options);
  const lines = (severity: string) =>
    diagnostics
      .filter((diagnostic) => diagnostic.severity === severity)
      .map(({ path, message, code }) => `${path ? `${path}: ` : ""}${message} [${code}]`);
  const errors = lines("error");
  const warnings = lines("warning").map((line) =>
    line.length > MAX_WARNING_LENGTH ? `${line.slice(0, MAX_WARNING_LENGTH - 1)}…` : line,
  );
  return {
    uid,
    allowed: errors.length === 0,
    ...(errors.length > 0 && { status: { code: 422, message: errors.join("; ") } }),
    ...(warnings.length > 0 && { warnings }),
  };
}
