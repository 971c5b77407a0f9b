import { getCACertificates } from "node:tls";
import { printDocument, textStore } from "@fairlead/config";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EnvoyProcess, startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";
import { meshes, PROVIDERS } from "./mesh-arbitrary.ts";

/** Random valid meshes for real Envoys, one after the other: what we make of valid configuration is never rejected. */

const NET = 62;
const OWN = `127.0.${NET}.10`;
/** Set one to see a run again. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const MESHES = Number(process.env.FUZZ_MESHES ?? 150);
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 25);

/** What was rejected once, or not answered for 15 s. */
const KEPT: Readonly<Record<string, string>> = {
  "localities beside backendUtilization": `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one}
spec: {hosts: [a.test], ports: [{number: 28080, protocol: HTTP, name: http}], location: MESH_INTERNAL, resolution: STATIC}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: one}
spec:
  host: a.test
  trafficPolicy: {loadBalancer: {backendUtilization: {weightStabilizationPeriod: 5s}, zoneAwareLbSetting: {}}}
`,
  "a wildcard host behind AUTO_PASSTHROUGH": `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one}
spec: {hosts: ["*.sub.test"], ports: [{number: 27017, protocol: TCP, name: tcp}], location: MESH_INTERNAL}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: one}
spec:
  selector: {app: a}
  servers: [{port: {number: 28081, protocol: TLS, name: tls}, hosts: ["*.test"], tls: {mode: AUTO_PASSTHROUGH}}]
`,
  "TLS by what the host trusts": `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one}
spec: {hosts: [a.test], ports: [{number: 28443, protocol: TCP, name: tcp}], location: MESH_INTERNAL, resolution: STATIC}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: one}
spec: {host: a.test, trafficPolicy: {tls: {mode: SIMPLE}}}
`,
  "spans for a port that the collector does not have": `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: one}
spec: {hosts: [a.test], ports: [{number: 29090, protocol: HTTP, name: http}], location: MESH_INTERNAL, resolution: STATIC}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: one, namespace: istio-system}
spec: {tracing: [{providers: [{name: zipkin}]}]}
`,
  "names of clients that show no certificate": `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: one}
spec:
  selector: {app: a}
  servers:
  - port: {number: 28443, protocol: HTTPS, name: https}
    hosts: [a.test]
    tls: {mode: SIMPLE, credentialName: cert-a, subjectAltNames: [b.test]}
`,
};

const hostHasRoots = getCACertificates("system").length > 0;

const NODES = [
  ["sidecar without interception", "sidecar", { INTERCEPTION_MODE: "NONE" }],
  ["sidecar", "sidecar", {}],
  ["router", "router", {}],
] as const;

describe("real Envoys and random meshes", () => {
  const store = textStore({});
  const stack = new AsyncDisposableStack();
  const rejected: { readonly proxy: string; readonly message: string; readonly names: readonly string[] }[] = [];
  /** Resources that were accepted, by type. */
  const accepted: Record<string, number> = {};
  const envoys: EnvoyProcess[] = [];
  let plane: ControlPlane;
  /**
   * Pushes that were not answered in time. Envoy holds back its answer to clusters as long as one of them waits for a name to be
   * resolved or for a secret, 15 s at most.
   */
  let overdue = 0;

  beforeAll(async () => {
    plane = stack.use(
      await createControlPlane({
        config: store,
        mesh: { meshConfig: { extensionProviders: PROVIDERS } },
        server: { timing: { ackTimeout: 300, drain: 0 } },
      }),
    );
    const { ads } = await plane.listen({ ads: `127.0.${NET}.1:0` });
    plane.on("ack", ({ type, resources }) => {
      accepted[type.shortName] = (accepted[type.shortName] ?? 0) + resources.length;
    });
    plane.on("nack", ({ client, message, resources }) => {
      rejected.push({ proxy: client.node.id ?? "", message, names: resources.map(({ name }) => name) });
    });
    const secrets = stack.use(await startSecrets("default", "a"));
    for (const [index, [name, type, metadata]] of NODES.entries()) {
      const envoy = await startEnvoy({
        node: {
          id: `${type}~${OWN}~${name.replaceAll(" ", "-")}.default~default.svc.cluster.local`,
          metadata: { ...metadata, LABELS: { app: "a", version: "v1" } },
        },
        ads,
        adsSecurity: "plaintext",
        sdsPath: secrets.path,
        admin: `127.0.${NET}.${2 + index}:15000`,
      });
      stack.use(envoy);
      envoys.push(envoy);
      await envoy.ready();
    }
  });
  afterAll(() => stack.disposeAsync());

  const lagging = () =>
    plane.proxies().filter(({ types }) => types.some(({ synced, lastNack }) => !synced && lastNack === undefined));
  /** Serves a mesh until every Envoy has said something to it. */
  async function push(text: string): Promise<readonly (typeof rejected)[number][]> {
    const before = rejected.length;
    const previous = plane.mesh;
    store.set({ "mesh.yaml": text });
    await plane.converged({ timeout: 1 }).catch(() => undefined);
    const end = Date.now() + 2000;
    do await new Promise((resolve) => setTimeout(resolve, 10));
    while ((plane.mesh === previous || lagging().length > 0) && Date.now() < end);
    if (lagging().length > 0) overdue++;
    return rejected.slice(before);
  }

  /** A host that trusts nobody cannot be asked what it trusts. */
  const kept = Object.entries(KEPT).filter(([, text]) => hostHasRoots || !text.includes("mode: SIMPLE}}"));
  it.each(kept)("agree on %s", async (_, text) => {
    const before = accepted.LDS ?? 0;
    expect(await push(text)).toEqual([]);
    expect(accepted.LDS ?? 0).toBeGreaterThan(before);
    expect(lagging().map(({ node }) => node.id)).toEqual([]);
    expect(plane.diagnostics().filter(({ severity }) => severity === "error")).toEqual([]);
  });

  it("are never at odds", { timeout: (SECONDS + 30) * 1000 }, async () => {
    console.log(`FUZZ_SEED=${SEED}`);
    const end = Date.now() + SECONDS * 1000;
    const found: object[] = [];
    let count = 0;
    for (const mesh of fc.sample(meshes({ net: NET, own: OWN }), { seed: SEED, numRuns: MESHES })) {
      if (Date.now() > end) break;
      count++;
      const wrong = await push(mesh.map((one) => printDocument(one)).join("---\n"));
      const broken = plane.diagnostics().filter(({ code }) => code === "translation-failed");
      if (wrong.length > 0 || broken.length > 0) found.push({ mesh: count, wrong, broken, documents: mesh });
    }
    console.log(`${count} meshes, ${overdue} not answered in time, accepted: ${JSON.stringify(accepted)}`);
    for (const envoy of envoys) expect((await envoy.admin("/ready")).status).toBe(200);
    expect(printDocument(found)).toBe(printDocument([]));
    expect(count).toBeGreaterThan(10);
  });
});
