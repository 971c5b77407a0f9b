import { expect, it } from "vitest";
import { uriNames } from "./peer.ts";

it.each([
  ["", []],
  ["URI:spiffe://a/ns/b/sa/c", ["spiffe://a/ns/b/sa/c"]],
  ["DNS:x, URI:spiffe://a/b, IP Address:1.2.3.4, URI:spiffe://c", ["spiffe://a/b", "spiffe://c"]],
  ['DNS:"x, URI:spiffe://victim, y", URI:spiffe://me', ["spiffe://me"]],
  ['URI:"spiffe://a\\u0022b"', ['spiffe://a"b']],
  ['DNS:"x\\", URI:spiffe://victim', []],
])("%s", (text, uris) => {
  expect(uriNames(text)).toEqual(uris);
});
