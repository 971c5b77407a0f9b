import { expect, it } from "vitest";
import { answerOf, startSample } from "../support/sample.ts";

it("a restart of the control plane under traffic loses no request and sends nothing that Envoys have", async () => {
  await using sample = await startSample({ net: 44, mode: "delta" });
  let going = true;
  const results: number[] = [];
  const workers = Array.from({ length: 3 }, async () => {
    while (going) results.push((await sample.visit().catch(() => ({ status: 0 }))).status);
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await sample.restart(() => new Promise((resolve) => setTimeout(resolve, 500)));

  const sent: string[] = [];
  sample.plane.on("push", ({ client, type, resources, removed }) => {
    if (type.shortName !== "SDS")
      sent.push(
        ...resources.map(({ name }) => `${client.node.id} ${type.shortName} ${name}`),
        ...removed.map((name) => `${client.node.id} ${type.shortName} -${name}`),
      );
  });
  const end = Date.now() + 30_000;
  while (sample.plane.proxies().length < 7 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(sample.plane.proxies()).toHaveLength(7);
  await sample.plane.converged();
  going = false;
  await Promise.all(workers);
  expect(results.length).toBeGreaterThan(20);
  expect(results.filter((status) => status !== 200)).toEqual([]);
  expect(sent).toEqual([]);

  // And it serves changes to them as before.
  await sample.write(
    "details.yaml",
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: details}\nspec: {hosts: [details], http: [{directResponse: {status: 503}}]}\n",
  );
  expect(sent.some((text) => text.includes("RDS 9080"))).toBe(true);
  expect((await sample.call("page-v1", "details")).status).toBe(503);
  expect(answerOf(await sample.call("reviews-v2", "ratings")).service).toBe("ratings");
});
