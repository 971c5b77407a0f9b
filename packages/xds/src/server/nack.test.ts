import { expect, it } from "vitest";
import { resourceFromBytes } from "../encoded-resource.ts";
import { rejectedResources } from "./nack.ts";

const sent = ["virtualInbound", "0.0.0.0_80", "outbound|80||a.default", "outbound|80||a.default.svc", "80"].map(
  (name) => resourceFromBytes("type.googleapis.com/x", name, Buffer.from(name)),
);

it.each([
  ["Error adding/updating listener(s) virtualInbound: bad filter", ["virtualInbound"]],
  ["Error adding/updating listener(s) virtualInbound: bad\n0.0.0.0_80: port taken\n", ["virtualInbound", "0.0.0.0_80"]],
  [
    "Error adding/updating cluster(s) outbound|80||a.default.svc: no, virtualInbound: no",
    ["virtualInbound", "outbound|80||a.default.svc"],
  ],
  ["route: unknown cluster 'outbound|80||a.default'", ["outbound|80||a.default"]],
  ["something about virtualInbound.", ["virtualInbound"]],
  ["cannot bind 10.0.0.1:80", []],
  ["Error adding/updating listener(s) 80: bad", ["80"]],
  ["myvirtualInbound2 is wrong", []],
  ["", []],
])("%j", (message, names) => {
  expect(rejectedResources(message, sent).map(({ name }) => name)).toEqual(names);
});
