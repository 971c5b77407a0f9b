// Fields of sigs.k8s.io/gateway-api apis/v1 referencegrant_types.go. Limits as in the CRD.
import { type Infer, list, message, required } from "../../schema/message.ts";
import { group, kindName, namespaceName, objectName } from "./names.ts";

export const referenceGrant = message({
  from: required(
    list(message({ group: required(group), kind: required(kindName), namespace: required(namespaceName) }), {
      min: 1,
      max: 16,
    }),
  ),
  to: required(
    list(message({ group: required(group), kind: required(kindName), name: objectName }), { min: 1, max: 16 }),
  ),
});
/** Which objects elsewhere may refer to which of its own namespace. */
export type ReferenceGrant = Infer<typeof referenceGrant>;
