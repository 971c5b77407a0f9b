import { describe, expect, it } from "vitest";
import { expose, Histogram } from "./exposition.ts";

describe("expose", () => {
  it("writes families as Prometheus reads them", () => {
    const text = expose([
      {
        name: "a_total",
        help: "What a is.",
        type: "counter",
        samples: [
          { labels: { type: "CDS", path: 'a\\b"c\nd' }, value: 3 },
          { labels: {}, value: 0.5 },
        ],
      },
      { name: "b", help: "None yet.", type: "gauge", samples: [] },
    ]);
    expect(text).toBe(`# HELP a_total What a is.
# TYPE a_total counter
a_total{type="CDS",path="a\\\\b\\"c\\nd"} 3
a_total 0.5
# HELP b None yet.
# TYPE b gauge
`);
  });
});

describe("Histogram", () => {
  it("counts what is observed in every bucket that holds it", () => {
    const histogram = new Histogram();
    for (const seconds of [0.0005, 0.005, 0.2, 60]) histogram.observe(seconds);
    const { name, type, samples } = histogram.family("seconds", "Times.");
    expect([name, type]).toEqual(["seconds", "histogram"]);
    const buckets = samples
      .filter(({ suffix }) => suffix === "_bucket")
      .map(({ labels, value }) => [labels?.le, value]);
    expect(buckets).toEqual([
      ["0.001", 1],
      ["0.005", 2],
      ["0.01", 2],
      ["0.05", 2],
      ["0.1", 2],
      ["0.5", 3],
      ["1", 3],
      ["5", 3],
      ["10", 3],
      ["+Inf", 4],
    ]);
    expect(samples.slice(-2)).toEqual([
      { suffix: "_sum", value: 60.2055 },
      { suffix: "_count", value: 4 },
    ]);
  });
});
