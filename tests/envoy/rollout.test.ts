import { textStore } from "@fairlead/config";
import { createControlPlane, type RolloutStatus } from "@fairlead/control-plane";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const GATEWAYS = { canary: "127.0.72.2", main: "127.0.72.3" } as const;
type Track = keyof typeof GATEWAYS;
const TRACKS = Object.keys(GATEWAYS) as Track[];

/** Both gateways answer by themselves with a word; `ring` is the smallest ring of a cluster. Envoy refuses those above 8,388,608. */
const mesh = (word: string, ring = 1024) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.72.9}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop.example.com, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x, ringHash: {minimumRingSize: ${ring}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: word}
spec:
  hosts: ["*"]
  gateways: [canary, main]
  http:
  - match: [{uri: {prefix: /word}}]
    directResponse: {status: 200, body: {string: "${word}"}}
  - route: [{destination: {host: shop.example.com}}]
${TRACKS.map(
  (track) => `---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${track}}
spec: {selector: {track: ${track}}, servers: [{bind: ${GATEWAYS[track]}, port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]}
`,
).join("")}`;

const ask = async (track: Track) => {
  const answer = await fetch(`http://${GATEWAYS[track]}:8080/word`);
  return answer.status === 200 ? await answer.text() : `status ${answer.status}`;
};

it("configuration goes to a canary Envoy first; what it refuses is taken back from it and never reaches the other, under traffic", async () => {
  const store = textStore({ mesh: mesh("one") });
  const asked: (() => void)[] = [];
  const told: RolloutStatus[] = [];
  await using plane = await createControlPlane({
    config: store,
    rollout: {
      stages: [{ labels: { track: "canary" }, soak: 100 }],
      healthy: () => new Promise((resolve) => asked.push(() => resolve(true))),
      onStatus: (status) => void told.push(status),
    },
  });
  const { ads } = await plane.listen({ ads: "127.0.72.1:0" });
  await using secrets = await startSecrets("default", "gateway");
  const start = (track: Track) =>
    startEnvoy({
      node: {
        id: `router~${GATEWAYS[track]}~${track}-1.default~default.svc.cluster.local`,
        metadata: { LABELS: { track } },
      },
      ads,
      adsSecurity: "plaintext",
      sdsPath: secrets.path,
      admin: `${GATEWAYS[track]}:15000`,
    });
  await using canary = await start("canary");
  await using main = await start("main");
  await Promise.all([canary.ready(), main.ready()]);
  await expect.poll(() => Promise.all(TRACKS.map(ask)), { timeout: 10_000 }).toEqual(["one", "one"]);

  // Until the end both are asked all the time.
  const answers: Record<Track, string[]> = { canary: [], main: [] };
  let isOver = false;
  const traffic = TRACKS.map(async (track) => {
    while (!isOver) answers[track].push(await ask(track).catch(String));
  });
  const refused: string[] = [];
  plane.on("nack", ({ client }) => void refused.push(client.node.id ?? ""));

  store.set({ mesh: mesh("two") });
  await expect.poll(() => ask("canary"), { timeout: 10_000 }).toBe("two");
  await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(1);
  expect(await ask("main")).toBe("one");
  asked[0]?.();
  await expect.poll(() => ask("main"), { timeout: 10_000 }).toBe("two");
  await expect.poll(() => asked.length, { timeout: 10_000 }).toBe(2);
  asked[1]?.();
  await expect.poll(() => plane.rollout).toEqual({ phase: "done" });

  store.set({ mesh: mesh("three", 8_388_609) });
  await expect.poll(() => plane.rollout, { timeout: 10_000 }).toMatchObject({ phase: "halted", stage: 0 });
  expect(told.at(-1)).toMatchObject({
    reason: expect.stringMatching(/canary-1.* refuses CDS: .*ring_size/is),
    sources: expect.arrayContaining([{ kind: "DestinationRule", namespace: "default", name: "shop" }]),
  });
  await plane.converged();
  await expect.poll(() => Promise.all(TRACKS.map(ask)), { timeout: 10_000 }).toEqual(["two", "two"]);

  isOver = true;
  await Promise.all(traffic);
  expect(new Set(refused)).toEqual(new Set(["router~127.0.72.2~canary-1.default~default.svc.cluster.local"]));
  // Nothing failed, and the other never had a word of the last.
  expect(new Set(answers.main)).toEqual(new Set(["one", "two"]));
  expect([...new Set(answers.canary)].filter((word) => word !== "three")).toEqual(["one", "two"]);
});
