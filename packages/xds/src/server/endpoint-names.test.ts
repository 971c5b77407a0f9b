import { expect, it } from "vitest";
import { encodeResource } from "../encoded-resource.ts";
import { CLUSTER_TYPE } from "../resource-type.ts";
import { endpointName } from "./endpoint-names.ts";

it.each([
  [{ name: "c", type: "EDS", edsClusterConfig: { serviceName: "s" } }, "s"],
  [{ name: "c", type: "EDS", edsClusterConfig: {} }, "c"],
  [{ name: "c", type: "EDS" }, "c"],
  [{ name: "c", type: "STATIC", edsClusterConfig: { serviceName: "s" } }, undefined],
  [{ name: "c", connectTimeout: "1s" }, undefined],
])("%j", (json, name) => {
  expect(endpointName(encodeResource(CLUSTER_TYPE, "c", json))).toBe(name);
});
