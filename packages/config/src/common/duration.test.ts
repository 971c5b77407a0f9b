import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["5s", 5000],
    ["0", 0],
    ["0s", 0],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    [".5s", 500],
    ["250ms", 250],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["-1s", -1000],
    ["+1s", 1000],
    ["2540400h", 9_145_440_000_000],
  ])("%s is %d ms", (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 6);
  });

  it.each(["", "s", "5", "5 s", "5S", "1d", "-", "abc", "1s2", "2600000h"])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("formatDuration", () => {
  it.each([
    [5000, "5s"],
    [500, "0.500s"],
    [0.001, "0.000001s"],
    [-1500, "-1.500s"],
    [0, "0s"],
  ])("%d ms is %s", (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 9);
  });
});
