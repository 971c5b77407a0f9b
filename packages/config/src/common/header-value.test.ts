import { describe, expect, it } from "vitest";
import { headerValueFault } from "./header-value.ts";

describe("headerValueFault", () => {
  it.each([
    "",
    "plain",
    "100%%",
    "%HOSTNAME%",
    "a %START_TIME(%s)% b",
    '%PER_REQUEST_STATE(["a", "b"])%',
    "%DYNAMIC_METADATA(a:b)%",
    "%REQ(X-A) %",
  ])("takes %j", (value) => expect(headerValueFault(value)).toBeUndefined());

  it.each([
    "%",
    "abc%123",
    "%START_TIME%%",
    "%A(%",
    '%A(["a")%',
    '%A(["a" "b"])%',
    "line\nbreak",
    "%A(x)y%",
    '%A(["a"]',
  ])("refuses %j", (value) => expect(headerValueFault(value)).toBeTypeOf("string"));
});
