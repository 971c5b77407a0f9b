import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bed, startBed } from "../support/differential.ts";
import { type Asked, cases, gatewayOf } from "../support/differential-arbitrary.ts";

/**
 * Random meshes, translated by us and served to a sidecar and a gateway that are real Envoys; random requests through them, and
 * the simulator asked of the same mesh. Nightly `DIFFERENTIAL_REQUESTS=20000`.
 */
const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2000);
/** Set one to see a run again. */
const SEED = Number(process.env.DIFFERENTIAL_MESH_SEED ?? Date.now() % 2 ** 31);
const EACH = 80;

/** Routes about which the simulator once said something else. */
const KEPT: Readonly<Record<string, object>> = {
  "a direct response with response headers": {
    directResponse: { status: 201, body: { string: "said" } },
    headers: { response: { set: { "x-a": "set" } } },
  },
  "a redirect with response headers": {
    redirect: { uri: "/new" },
    headers: { response: { add: { "x-d": "added" } } },
  },
  "a fault with response headers": {
    fault: { abort: { httpStatus: 418, percentage: { value: 100 } } },
    route: [{ destination: { host: "a.test" } }],
    headers: { response: { set: { "x-a": "set" } } },
  },
  "a header that the rule adds and the destination sets": {
    route: [{ destination: { host: "a.test" }, headers: { request: { set: { "x-a": "set" } } } }],
    headers: { request: { add: { "x-a": "added" } } },
  },
  "a policy that denies, with response headers": {
    route: [{ destination: { host: "a.test" } }],
    headers: { response: { set: { "x-a": "set" } } },
  },
  "a policy that denies a redirect with response headers": {
    redirect: { uri: "/new" },
    headers: { response: { set: { "x-a": "set" } } },
  },
  "a policy that denies a direct response with response headers": {
    directResponse: { status: 201 },
    headers: { response: { set: { "x-a": "set" } } },
  },
  "a fault with response headers of a destination": {
    fault: { abort: { httpStatus: 418, percentage: { value: 100 } } },
    route: [
      { destination: { host: "a.test" }, weight: 1, headers: { response: { set: { "x-a": "one" } } } },
      { destination: { host: "b.test" }, weight: 1, headers: { response: { set: { "x-a": "other" } } } },
    ],
  },
};
const ASKED: readonly Asked[] = (["sidecar", "gateway"] as const).flatMap((through) =>
  ["/", "/a?q=v"].map((path) => ({ through, method: "GET", host: "a.test", path, headers: { "x-a": "v" } })),
);

describe("random meshes through real Envoys and through the simulator", () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await startBed();
  });
  afterAll(() => bed?.[Symbol.asyncDispose]());

  it.each(Object.entries(KEPT))("%s", async (name, route) => {
    const spec = { hosts: ["a.test"], gateways: ["mesh", "gate"], http: [route] };
    const objects = [{ kind: "VirtualService", name: "kept", spec }, gatewayOf(["*"])];
    const rules = [{ to: [{ operation: { hosts: ["a.test"] } }] }];
    const denies = { selector: { matchLabels: { app: "gate" } }, action: "DENY", rules };
    const policies = name.startsWith("a policy") ? [{ kind: "AuthorizationPolicy", name: "kept", spec: denies }] : [];
    expect(await bed.run({ objects: [...objects, ...policies], requests: ASKED })).toEqual([]);
  });

  it("fare the same", { timeout: 60_000 + REQUESTS * 60 }, async () => {
    console.log(`DIFFERENTIAL_MESH_SEED=${SEED}`);
    let asked = 0;
    let shrinkUntil = Number.POSITIVE_INFINITY;
    const property = fc.asyncProperty(cases(EACH), async (made) => {
      if (Date.now() > shrinkUntil) return;
      asked += made.requests.length;
      const [first] = await bed.run(made);
      if (first === undefined) return;
      if (shrinkUntil === Number.POSITIVE_INFINITY) shrinkUntil = Date.now() + 15_000;
      throw new Error(JSON.stringify(first, null, 1));
    });
    const { failed, counterexample, errorInstance, counterexamplePath } = await fc.check(property, {
      seed: SEED,
      numRuns: Math.ceil(REQUESTS / EACH),
      interruptAfterTimeLimit: 50_000 + REQUESTS * 60,
    });
    if (failed) {
      console.log(`DIFFERENTIAL_MESH_SEED=${SEED}, path ${counterexamplePath}, the smallest mesh that was found:`);
      for (const { kind, spec } of counterexample?.[0].objects ?? []) console.log(kind, JSON.stringify(spec));
      throw errorInstance;
    }
    console.log(`${asked} requests, no disagreement`);
    expect(asked).toBeGreaterThanOrEqual(REQUESTS);
  });
});
