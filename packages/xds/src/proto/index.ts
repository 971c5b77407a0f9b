export type * as envoy from "../../gen/envoy.d.ts";
