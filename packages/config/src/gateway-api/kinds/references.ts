// References from one object to another. Fields of sigs.k8s.io/gateway-api apis/v1.
import { type Infer, int32, message, required } from "../../schema/message.ts";
import { group, kindName, namespaceName, objectName, portNumber, sectionName } from "./names.ts";

export const parentReference = message({
  group,
  kind: kindName,
  namespace: namespaceName,
  name: required(objectName),
  sectionName,
  port: portNumber,
});
/** What a route is attached to. Default: a Gateway of the route's namespace, all of its listeners. */
export type ParentReference = Infer<typeof parentReference>;

/** Of a ListenerSet: a Gateway, as a whole. */
export const parentGatewayReference = message({
  group,
  kind: kindName,
  namespace: namespaceName,
  name: required(objectName),
});

const backendObject = {
  group,
  kind: kindName,
  name: required(objectName),
  namespace: namespaceName,
  port: portNumber,
} as const;

export const backendObjectReference = message(backendObject);
/** Where requests may be sent to. Default: a Service of the same namespace. */
export type BackendObjectReference = Infer<typeof backendObjectReference>;

export const weightedBackend = {
  ...backendObject,
  weight: int32({ min: 0, max: 1_000_000 }),
} as const;

export const backendReference = message(weightedBackend);
/** A backend with its share, relative to the others of its rule. Default: 1. */
export type BackendReference = Infer<typeof backendReference>;

export const secretReference = message({ group, kind: kindName, name: required(objectName), namespace: namespaceName });
/** Default: a Secret of the same namespace. */
export type SecretReference = Infer<typeof secretReference>;

export const objectReference = message({
  group: required(group),
  kind: required(kindName),
  name: required(objectName),
  namespace: namespaceName,
});
export type ObjectReference = Infer<typeof objectReference>;

/** An object of the same namespace. */
export const localObjectReference = message({
  group: required(group),
  kind: required(kindName),
  name: required(objectName),
});
