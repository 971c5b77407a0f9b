import { expect, test } from "vitest";
import { headerEdits, headerFields } from "./header-operations.ts";

const OVERWRITE = "OVERWRITE_IF_EXISTS_OR_ADD";

test("set goes before add, each by name", () => {
  const edits = headerEdits({
    request: { add: { "x-b": "1", "x-a": "2" }, set: { "x-d": "3", "x-c": "" }, remove: ["x-e"] },
    response: { set: { "y-a": "4" }, remove: ["y-b"] },
  });
  expect(headerFields(edits)).toEqual({
    requestHeadersToAdd: [
      { header: { key: "x-c" }, appendAction: OVERWRITE },
      { header: { key: "x-d", value: "3" }, appendAction: OVERWRITE },
      { header: { key: "x-a", value: "2" } },
      { header: { key: "x-b", value: "1" } },
    ],
    requestHeadersToRemove: ["x-e"],
    responseHeadersToAdd: [{ header: { key: "y-a", value: "4" }, appendAction: OVERWRITE }],
    responseHeadersToRemove: ["y-b"],
  });
});

test.each([
  [{ request: { set: { Host: "a" } } }, "a"],
  [{ request: { set: { ":authority": "a" }, add: { host: "b" } } }, "a"],
  [{ request: { add: { host: "b" } } }, "b"],
  [{ response: { set: { host: "a" } } }, ""],
])("%j rewrites the host to %j and edits nothing", (headers, authority) => {
  const edits = headerEdits(headers);
  expect(edits.authority).toBe(authority);
  expect(headerFields(edits)).toEqual({});
});

test("pseudo headers are not removed", () => {
  expect(headerFields(headerEdits({ request: { remove: [":path", "host", "x"] } }))).toEqual({
    requestHeadersToRemove: ["x"],
  });
});
