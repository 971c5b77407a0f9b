import { textStore } from "@fairlead/config";
import { createControlPlane, placesOf, type SourcePlace } from "@fairlead/control-plane";
import { describe, expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";

const services = ["good", "bad"]
  .map(
    (name, index) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 127.0.46.${10 + index}}]
`,
  )
  .join("---\n");

/** Valid for Istio, rejected by Envoy from 8,388,609 on. */
const rule = (size: number) => `# The second line is where it is.
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: bad}
spec:
  host: bad.example.com
  trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x, ringHash: {minimumRingSize: ${size}}}}}
`;

describe.each(["delta", "sotw"] as const)("a rejection by a real Envoy, %s", (mode) => {
  it("is attributed to the object that caused it; the rest goes on, and the last good version stays", async () => {
    const store = textStore({ "services.yaml": services, "rule.yaml": rule(1024) });
    await using plane = await createControlPlane({ config: store });
    const { ads } = await plane.listen({ ads: "127.0.46.1:15010" });
    const nacks: { message: string; names: readonly string[]; places: readonly SourcePlace[] }[] = [];
    plane.on(
      "nack",
      ({ message, resources }) =>
        void nacks.push({
          message,
          names: resources.map(({ name }) => name),
          places: resources.flatMap(({ sources }) => placesOf(plane, sources)),
        }),
    );
    await using secrets = await startSecrets("default", "client");
    await using envoy = await startEnvoy({
      node: {
        id: "sidecar~127.0.46.2~client.default~default.svc.cluster.local",
        metadata: { INTERCEPTION_MODE: "NONE" },
      },
      ads,
      adsSecurity: "plaintext",
      sdsPath: secrets.path,
      mode,
      admin: "127.0.46.2:15000",
    });
    await envoy.ready();
    await plane.converged();
    const clusterNames = async () => {
      const { body } = await envoy.admin("/clusters?format=json");
      return (JSON.parse(body).cluster_statuses as { name: string }[])
        .map(({ name }) => name)
        .filter((name) => name.startsWith("outbound|"));
    };
    expect((await clusterNames()).sort()).toEqual(["outbound|80||bad.example.com", "outbound|80||good.example.com"]);

    store.set({ "rule.yaml": rule(8_388_609), "more.yaml": services.replaceAll("good", "more").split("---\n")[0] });
    const end = Date.now() + 15_000;
    const named = () => nacks.find(({ names }) => names.length === 1 && names[0] === "outbound|80||bad.example.com");
    while ((!named() || (await clusterNames()).length < 3) && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(named()?.message).toMatch(/minimum_ring_size|MinimumRingSize/i);
    expect(named()?.places).toContainEqual({
      object: { kind: "DestinationRule", namespace: "default", name: "bad" },
      position: { file: "rule.yaml", line: 2, column: 1 },
    });
    expect((await clusterNames()).sort()).toEqual([
      "outbound|80||bad.example.com",
      "outbound|80||good.example.com",
      "outbound|80||more.example.com",
    ]);

    // Nobody is sent it again in a loop.
    const count = nacks.length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(nacks.length).toBe(count);

    store.set({ "rule.yaml": rule(2048) });
    await plane.converged();
    expect(nacks.length).toBe(count);
  });
});
