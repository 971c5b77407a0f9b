export type * as envoy from "../../gen/envoy.d.ts";
export { XdsError, type XdsErrorCode } from "../xds-error.ts";
export { canonicalize, validate } from "./canonicalize.ts";
export { decode, encode } from "./codec.ts";
export type { MessageOf } from "./message-of.ts";
export { isKnownMessage, messageNames } from "./table.ts";
export { messageNameOf, typeUrlOf } from "./type-url.ts";
