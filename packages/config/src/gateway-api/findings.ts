import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { isRecord } from "../common/record.ts";
import { type Condition, conditionsIn } from "./convert/condition.ts";
import { type ConvertedGatewayApi, refOfObject } from "./convert/convert.ts";
import type { ParentReference } from "./kinds/references.ts";
import type { GatewayApiObject } from "./kinds.ts";

/**
 * What statuses say that is wrong with objects, by the field concerned. Whether proxies are there (Programmed) is no fault of
 * an object.
 */
export function findings({ statuses }: ConvertedGatewayApi): readonly Diagnostic[] {
  return statuses.flatMap(({ object, status, unresolvedAt }) => {
    const ref = refOfObject(object);
    return [
      ...of(ref, "metadata.name", status.conditions),
      ...items(status.listeners).flatMap((listener, index) => of(ref, `spec.listeners[${index}]`, listener.conditions)),
      ...items(status.parents).flatMap(({ parentRef, conditions }) =>
        ofParent(object, parentRef, conditions, unresolvedAt),
      ),
      ...items(status.ancestors).flatMap(({ conditions }) => of(ref, "spec.targetRefs", conditions)),
    ];
  });
}

function ofParent(
  object: GatewayApiObject,
  reference: unknown,
  conditions: unknown,
  unresolvedAt = "spec.rules",
): readonly Diagnostic[] {
  const { parentRefs = [] } = object.spec as { readonly parentRefs?: readonly ParentReference[] };
  const index = parentRefs.indexOf(reference as ParentReference);
  const path = index < 0 ? "metadata.name" : `spec.parentRefs[${index}]`;
  return conditionsIn(conditions).flatMap((condition) =>
    of(refOfObject(object), condition.type === "ResolvedRefs" && index >= 0 ? unresolvedAt : path, [condition]),
  );
}

function of(object: ObjectRef, path: string, conditions: unknown): readonly Diagnostic[] {
  return conditionsIn(conditions)
    .filter(isFault)
    .map(({ type, reason, message }) => ({
      code: "gateway-api-refused",
      severity: "warning",
      object,
      path,
      message: `${type === "ResolvedRefs" ? "a reference leads nowhere" : "not accepted"} (${reason}): ${message}`,
    }));
}

/** A conflict makes a listener unaccepted; that is said once. */
function isFault({ type, status }: Condition): boolean {
  return status === "False" && (type === "Accepted" || type === "ResolvedRefs");
}

function items(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
