import { describe, expect, it } from "vitest";
import { resourceFromBytes } from "../encoded-resource.ts";
import { createRejections, NO_HOLDS } from "./rejections.ts";

const TYPE = "type.googleapis.com/x";
const resource = (name: string, content: string) => resourceFromBytes(TYPE, name, Buffer.from(content));
const judge = (node: string, version = "1.40.0") => ({ class: `envoy/${version}`, node });

describe("rejections", () => {
  it("hold a version from the whole class until one of it accepts", () => {
    const rejections = createRejections();
    const lifted: string[] = [];
    rejections.onLift((name) => lifted.push(name));
    expect(rejections.held(judge("a"), TYPE)).toBe(NO_HOLDS);
    rejections.reject(judge("a"), resource("r", "bad"), resource("r", "good"), false);
    const hold = { name: "r", version: resource("r", "bad").version, fallback: resource("r", "good") };
    expect(rejections.held(judge("a"), TYPE)).toEqual([hold]);
    expect(rejections.held(judge("b"), TYPE)).toEqual([hold]);
    expect(rejections.held(judge("c"), TYPE)).toBe(rejections.held(judge("b"), TYPE));
    expect(rejections.held(judge("a", "1.41.0"), TYPE)).toBe(NO_HOLDS);
    rejections.accept(judge("b"), [resource("other", "x"), resource("r", "bad")]);
    expect(lifted).toEqual(["envoy/1.40.0"]);
    expect(rejections.held(judge("b"), TYPE)).toEqual([]);
    expect(rejections.held(judge("a"), TYPE)).toEqual([hold]);
    rejections.accept(judge("c"), [resource("r", "bad")]);
    expect(lifted).toHaveLength(1);
  });

  it("hold a version that others have from those only that rejected it", () => {
    const rejections = createRejections();
    rejections.reject(judge("a"), resource("r", "bad"), undefined, true);
    expect(rejections.held(judge("a"), TYPE)).toHaveLength(1);
    expect(rejections.held(judge("b"), TYPE)).toEqual([]);
  });

  it("are bounded", () => {
    const rejections = createRejections();
    for (let index = 0; index < 1_500; index++)
      rejections.reject(judge("a"), resource(`r${index}`, "bad"), undefined, false);
    expect(rejections.size).toBe(1_000);
  });
});
