import { readFileSync } from "node:fs";
import { KINDS, type KindDefinition, type KindName } from "@fairlead/config";
import { type AdmissionListener, serveAdmission, webhookConfiguration } from "@fairlead/control-plane/kubernetes";
import type { KubernetesError, ResourceType } from "@fairlead/kubernetes";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { conformancePath, hasConformanceData } from "../conformance/conformance-data.ts";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";
import { type OutsideAuthority, outsideAuthority } from "../support/server-certificate.ts";

const here = await hasKube("definitions and admission");

const WEBHOOKS: ResourceType = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  plural: "validatingwebhookconfigurations",
  namespaced: false,
};

describe.skipIf(!here)("definitions and admission on a real API server", () => {
  let server: KubeServer;
  let authority: OutsideAuthority;
  let webhook: AdmissionListener;

  const certificate = async () => {
    const { certificateChain, privateKey } = await authority.issue("localhost");
    return { cert: certificateChain, key: privateKey };
  };
  /** As kubectl sends it: unknown fields are an error. */
  const strict = (apiVersion: string, kind: KindName): ResourceType => {
    const { plural }: KindDefinition = KINDS[kind];
    return { apiVersion, kind, plural: `${plural}?fieldValidation=Strict&x=`, namespaced: true };
  };
  const rules = { ...strict("networking.istio.io/v1", "DestinationRule"), plural: "destinationrules" };
  const rule = (name: string, spec: object) => ({ metadata: { name, namespace: "shop" }, spec });
  const refusal = async (writing: Promise<unknown>) =>
    writing.then(
      () => "accepted",
      (error: KubernetesError) => error.message,
    );

  beforeAll(async () => {
    server = await startKube();
    await server.installDefinitions();
    await server.createNamespace("shop");
    authority = await outsideAuthority();
    webhook = await serveAdmission({ address: "127.0.0.1:0", certificate: await certificate() });
    const url = `https://localhost:${webhook.address.split(":")[1]}`;
    await server.client.create(
      WEBHOOKS,
      webhookConfiguration({ name: "fairlead", at: { url }, caBundle: authority.roots }),
    );
    // The server takes a moment to ask it.
    await vi.waitFor(async () => {
      const said = await refusal(server.client.create(rules, rule("probe", { host: "not a host" })));
      if (said === "accepted") await server.client.delete(rules, "probe", { namespace: "shop" });
      expect(said).toContain("spec.host");
    }, 30_000);
  });
  afterAll(async () => {
    await webhook?.close();
    await authority?.[Symbol.asyncDispose]();
    await server?.close();
  });

  it("refuses what is wrong, with every reason at once, and shows warnings", async () => {
    const spec = { host: "not a host", subsets: [{ name: "v1" }, { name: "v1" }], trafficPolicy: { loadBalancer: {} } };
    const said = await refusal(server.client.create(rules, rule("a", spec)));
    expect(said).toContain('admission webhook "fairlead.fairlead.dev" denied the request');
    expect(said).toMatch(/spec\.host: .*spec\.subsets\[1\]/s);
    await server.client.create(rules, rule("a", { host: "a.com" }));
    expect(
      await refusal(server.client.mergePatch(rules, "a", { spec: { host: "not a host" } }, { namespace: "shop" })),
    ).toContain("spec.host");
    expect((await server.client.get(rules, "a", { namespace: "shop" })).spec).toEqual({ host: "a.com" });
  });

  it("takes a new certificate while it serves, and keeps nonsense from getting in while it does not answer", async () => {
    webhook.setCertificate(await certificate());
    await server.client.create(rules, rule("b", { host: "b.com" }));
    const { address } = webhook;
    await webhook.close();
    expect(await refusal(server.client.create(rules, rule("c", { host: "c.com" })))).toMatch(/failed calling webhook/);
    webhook = await serveAdmission({ address, certificate: await certificate() });
    await vi.waitFor(() => server.client.create(rules, rule("c", { host: "c.com" })), 10_000);
  });

  it.runIf(hasConformanceData())(
    "gives the verdicts of a real cluster with Istio's definitions and webhook",
    async () => {
      const differing: string[] = [];
      const namespaces = new Set(["shop"]);
      let asked = 0;
      for (const kind of Object.keys(KINDS) as KindName[]) {
        const lines = readFileSync(conformancePath(`validation/${kind}.jsonl`), "utf8")
          .trim()
          .split("\n");
        for (const [index, line] of lines.entries()) {
          // One in six: a round trip each.
          if (index % 6 !== 0) continue;
          const {
            id,
            doc,
            webhook: said,
            crd,
          } = JSON.parse(line) as {
            id: string;
            doc: { apiVersion: string; metadata: { name: string; namespace?: string } };
            webhook: { valid: boolean };
            crd?: { valid: boolean };
          };
          const namespace = doc.metadata.namespace ?? "shop";
          if (!namespaces.has(namespace)) await server.createNamespace(namespace);
          namespaces.add(namespace);
          asked++;
          const metadata = { ...doc.metadata, name: `case-${index}`, namespace };
          const answer = await refusal(server.client.create(strict(doc.apiVersion, kind), { ...doc, metadata }));
          const valid = said.valid && (crd?.valid ?? true);
          if ((answer === "accepted") !== valid) differing.push(`${id}: ${answer}, a cluster says ${valid}`);
        }
      }
      console.log(
        `definitions and webhook: ${asked} documents, ${asked - differing.length} agree\n${differing.join("\n")}`,
      );
      expect(differing).toEqual([]);
      expect(asked).toBeGreaterThan(250);
    },
  );
});
