import { expect, test } from "vitest";
import { bufferLimit, effectiveConnectionSettings, withConnectionSettings } from "./connection-settings.ts";

test("nothing stated changes nothing", () => {
  const manager = { streamIdleTimeout: "0s", pathWithEscapedSlashesAction: "KEEP_UNCHANGED" as const };
  expect(withConnectionSettings(manager, effectiveConnectionSettings(undefined, true))).toEqual(manager);
});

test("the edge profile is for gateways, and what is stated goes before it", () => {
  const stated = { profile: "EDGE", httpIdleTimeout: "10m", httpMergeSlashes: false } as const;
  expect(effectiveConnectionSettings(stated, false)).toEqual(stated);
  const edge = effectiveConnectionSettings(stated, true);
  expect(bufferLimit(edge)).toBe(32_768);
  expect(withConnectionSettings({ streamIdleTimeout: "0s", mergeSlashes: true }, edge)).toEqual({
    commonHttpProtocolOptions: { idleTimeout: "600s", headersWithUnderscoresAction: "REJECT_REQUEST" },
    http2ProtocolOptions: {
      maxConcurrentStreams: 100,
      initialStreamWindowSize: 65_536,
      initialConnectionWindowSize: 1_048_576,
    },
    streamIdleTimeout: "300s",
    requestTimeout: "300s",
    requestHeadersTimeout: "60s",
    mergeSlashes: true,
    pathWithEscapedSlashesAction: "UNESCAPE_AND_REDIRECT",
  });
});
