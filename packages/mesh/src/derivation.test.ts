import { describe, expect, it } from "vitest";
import { Derivations, type Query, type Reader } from "./derivation.ts";
import { Mesh } from "./mesh.ts";
import { serviceTargetsOf } from "./service-target.ts";
import { aNode, anEndpoint, aService } from "./testing.ts";
import { visibleServices } from "./visible-services.ts";

const reviews = aService("reviews.default.svc.cluster.local");
const ratings = aService("ratings.default.svc.cluster.local");
const mesh = Mesh.of({ meshConfig: {}, services: [reviews, ratings] });

/** A query that counts how often it is computed. */
function counted<V>(
  name: string,
  compute: (read: Reader) => V,
  more: Partial<Query<void, V>> = {},
): Query<void, V> & { runs: number } {
  const query = {
    name,
    runs: 0,
    key: () => "",
    compute(read: Reader) {
      query.runs++;
      return compute(read);
    },
    ...more,
  };
  return query;
}

describe("Derivations", () => {
  it("computes once, and again only when a bucket it read changed", () => {
    const query = counted("ports", (read) => read.bucket("host", reviews.hostname)?.[0]?.ports.length);
    const derivations = new Derivations(mesh);
    expect(derivations.ask(query, undefined, aNode())).toBe(1);
    derivations.advance(
      mesh.apply({ services: [{ key: "x", value: { ...ratings, labels: { a: "b" } }, previous: ratings }] }),
    );
    expect(derivations.ask(query, undefined, aNode())).toBe(1);
    expect(query.runs).toBe(1);
    derivations.advance(
      derivations.mesh.apply({ services: [{ key: "x", value: { ...reviews, ports: [] }, previous: reviews }] }),
    );
    expect(derivations.ask(query, undefined, aNode())).toBe(0);
    expect(query.runs).toBe(2);
  });

  it("knows that it read what was absent", () => {
    const query = counted("absent", (read) => read.bucket("host", "new.default.svc.cluster.local")?.length ?? 0);
    const derivations = new Derivations(mesh);
    expect(derivations.ask(query, undefined, aNode())).toBe(0);
    derivations.advance(
      mesh.apply({ services: [{ key: "n", value: aService("new.default.svc.cluster.local"), previous: undefined }] }),
    );
    expect(derivations.ask(query, undefined, aNode())).toBe(1);
  });

  it("forks on the facts that were read and on no others", () => {
    const query = counted("network", (read) => ({ network: read.fact("network", (node) => node.network) }));
    const derivations = new Derivations(mesh);
    const ask = (name: string, network: string) =>
      derivations.ask(query, undefined, aNode(name, "10.0.0.9", { NETWORK: network }));
    expect(ask("a.default", "n1")).toBe(ask("b.other", "n1"));
    expect(ask("a.default", "n2")).toEqual({ network: "n2" });
    expect(query.runs).toBe(2);
  });

  it("inherits the facts of what it asks", () => {
    const inner = counted("inner", (read) => read.fact("namespace", (node) => node.namespace));
    const outer = counted("outer", (read) => `in ${read.ask(inner, undefined)}`);
    const derivations = new Derivations(mesh);
    expect(derivations.ask(outer, undefined, aNode("a.one"))).toBe("in one");
    expect(derivations.ask(outer, undefined, aNode("a.two"))).toBe("in two");
    expect(derivations.ask(outer, undefined, aNode("b.one"))).toBe("in one");
    expect(outer.runs).toBe(2);
  });

  it("stops the wave where an equal result comes out", () => {
    const count = counted("count", (read) => read.bucket("services", "default")?.length ?? 0);
    const text = counted("text", (read) => `${read.ask(count, undefined)} services`);
    const derivations = new Derivations(mesh);
    derivations.ask(text, undefined, aNode());
    derivations.advance(
      mesh.apply({ services: [{ key: "x", value: { ...reviews, labels: { a: "b" } }, previous: reviews }] }),
    );
    expect(derivations.ask(text, undefined, aNode())).toBe("2 services");
    expect([count.runs, text.runs]).toEqual([2, 1]);
  });

  it("computes again when a later mesh makes it read another fact", () => {
    const query = counted("switch", (read) =>
      (read.bucket("services", "default")?.length ?? 0) > 2 ? read.fact("namespace", (node) => node.namespace) : "any",
    );
    const outer = counted("around", (read) => `<${read.ask(query, undefined)}>`);
    const derivations = new Derivations(mesh);
    const one = aNode("a.one");
    const two = aNode("a.two");
    expect([derivations.ask(outer, undefined, one), derivations.ask(outer, undefined, two)]).toEqual([
      "<any>",
      "<any>",
    ]);
    derivations.advance(
      mesh.apply({
        services: [{ key: "d", value: aService("details.default.svc.cluster.local"), previous: undefined }],
      }),
    );
    expect([derivations.ask(outer, undefined, one), derivations.ask(outer, undefined, two)]).toEqual([
      "<one>",
      "<two>",
    ]);
    derivations.advance(mesh);
    expect([derivations.ask(outer, undefined, two), derivations.ask(outer, undefined, one)]).toEqual([
      "<any>",
      "<any>",
    ]);
  });

  it("projects: replicas with addresses of their own that serve the same share what is derived", () => {
    const query = counted("served", (read) => serviceTargetsOf(read).map(({ service }) => service.name));
    const derivations = new Derivations(
      mesh.apply({
        endpoints: [
          {
            key: "e",
            previous: undefined,
            value: {
              hostname: reviews.hostname,
              namespace: "default",
              endpoints: [anEndpoint("10.0.0.1"), anEndpoint("10.0.0.2")],
            },
          },
        ],
      }),
    );
    const of = (ip: string) => derivations.ask(query, undefined, aNode(`w.default`, ip));
    expect(of("10.0.0.1")).toEqual(["reviews"]);
    expect(of("10.0.0.2")).toBe(of("10.0.0.1"));
    expect(of("10.0.0.3")).toEqual([]);
    expect(query.runs).toBe(2);
  });

  it("collects what no hold needs", () => {
    const derivations = new Derivations(mesh);
    const query = counted("kept", (read) => visibleServices(read).length);
    const other = counted("dropped", (read) => read.fact("namespace", (node) => node.namespace));
    const hold = { cells: new Set<object>() };
    derivations.ask(query, undefined, aNode(), hold);
    derivations.ask(other, undefined, aNode());
    const before = derivations.statistics.values;
    derivations.collect([hold]);
    expect(derivations.statistics.values).toBe(before - 1);
    derivations.ask(query, undefined, aNode());
    derivations.ask(other, undefined, aNode());
    expect([query.runs, other.runs]).toEqual([1, 2]);
  });

  it("names a value that depends on itself", () => {
    const loop: Query<void, number> = { name: "loop", key: () => "", compute: (read) => read.ask(loop, undefined) };
    expect(() => new Derivations(mesh).ask(loop, undefined, aNode())).toThrow("loop() depends on itself");
  });
});
