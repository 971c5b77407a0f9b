export type * as envoy from "../../gen/envoy.d.ts";
export { XdsError, type XdsErrorCode } from "../xds-error.ts";
export { canonicalize, decode, encode, type MessageOf, validate } from "./codec.ts";
export { isKnownMessage, messageNames } from "./table.ts";
export { messageNameOf, typeUrlOf } from "./type-url.ts";
