import { describe, expect, it } from "vitest";
import { answerOf, startSample } from "../support/sample.ts";

/** Which curve and version the handshakes of real Envoys came to, among them and with the control plane. */
describe("TLS within a compliance policy", () => {
  it.each([
    ["pqc", 48, "X25519MLKEM768", "TLSv1.3"],
    ["fips-140-3", 50, "P-256", "TLSv1.3"],
  ] as const)("%s", async (compliancePolicy, net, curve, version) => {
    await using sample = await startSample({ net, mode: "delta", compliancePolicy });
    const nacks: string[] = [];
    sample.plane.on("nack", ({ message }) => void nacks.push(message));
    expect(answerOf(await sample.visit()).caller).toBe("spiffe://cluster.local/ns/default/sa/gateway");
    const page = sample.running.get("page-v1");
    const { body = "" } = (await page?.envoy.admin("/stats?filter=listener.*ssl.(curves|versions)")) ?? {};
    const seen = [...body.matchAll(/ssl\.(?:curves|versions)\.(\S+): [1-9]/g)].map(([, name]) => name);
    expect([...new Set(seen)].sort()).toEqual([curve, version].sort());
    const ads = (await page?.envoy.admin("/stats?filter=cluster.xds-grpc.ssl.(curves|versions)"))?.body ?? "";
    const own = [...ads.matchAll(/ssl\.(?:curves|versions)\.(\S+): [1-9]/g)].map(([, name]) => name);
    expect([...new Set(own)].sort()).toEqual([curve, version].sort());
    expect(nacks).toEqual([]);
  });
});
