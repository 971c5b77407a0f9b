import { describe, expect, it } from "vitest";
import { encode } from "../proto/codec.ts";
import { CLUSTER_TYPE } from "../resource-type.ts";
import { readRequest } from "./request.ts";

const delta = (json: object) => readRequest("delta", encode("envoy.service.discovery.v3.DeltaDiscoveryRequest", json));
const sotw = (json: object) => readRequest("sotw", encode("envoy.service.discovery.v3.DiscoveryRequest", json));

describe("readRequest", () => {
  it("reads all there is", () => {
    const node = { id: "n", metadata: { A: 1, B: ["x"] }, userAgentName: "envoy" };
    const request = delta({
      node,
      typeUrl: CLUSTER_TYPE,
      resourceNamesSubscribe: ["a", "b"],
      resourceNamesUnsubscribe: ["c"],
      initialResourceVersions: { x: "1", y: "2" },
      responseNonce: "7",
      errorDetail: { code: 3, message: "no" },
    });
    expect(request).toMatchObject({ node, typeUrl: CLUSTER_TYPE, nonce: "7", error: { code: 3, message: "no" } });
    expect([request.names.read(), request.unsubscribe.read()]).toEqual([["a", "b"], ["c"]]);
    expect([...request.initialVersions]).toEqual([
      ["x", "1"],
      ["y", "2"],
    ]);
    expect(sotw({ resourceNames: ["a"], versionInfo: "v" })).toMatchObject({
      version: "v",
      error: undefined,
      node: undefined,
    });
  });

  it("has one key for equal names, and none for no names", () => {
    expect(sotw({ resourceNames: ["a", "b"], versionInfo: "1" }).names.key).toBe(
      sotw({ resourceNames: ["a", "b"] }).names.key,
    );
    expect(sotw({ resourceNames: ["ab"] }).names.key).not.toBe(sotw({ resourceNames: ["a", "b"] }).names.key);
    expect(sotw({}).names.key).toBe("");
  });

  it("reads names that are spread over the message", () => {
    const one = encode("envoy.service.discovery.v3.DiscoveryRequest", { resourceNames: ["a"], typeUrl: "t" });
    const two = encode("envoy.service.discovery.v3.DiscoveryRequest", { resourceNames: ["b"] });
    expect(readRequest("sotw", Buffer.concat([one, two])).names.read()).toEqual(["a", "b"]);
  });

  it.each([[[0x0a, 0x09, 0x01]], [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]], [[0x1a, 0x7f]], [[0x0b]]])(
    "refuses %j",
    (bytes) => {
      expect(() => readRequest("delta", Buffer.from(bytes))).toThrow(expect.objectContaining({ code: "malformed" }));
    },
  );
});
