import { afterEach, describe, expect, it } from "vitest";
import { approveSigningRequest, createSigningRequest, signedCertificate } from "./certificate-signing-request.ts";
import { kubernetesClient } from "./client.ts";
import { RESOURCES } from "./resource-type.ts";
import { fakeApiServer } from "./testing/fake-api-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start() {
  const server = await fakeApiServer({ signer: (csr) => `certificate of ${csr}` });
  const client = kubernetesClient({ server: server.url });
  open.push(server, client);
  const request = { name: "web", csr: "REQUEST", signerName: "example.com/mesh", usages: ["client auth"] };
  await createSigningRequest(client, request);
  return client;
}

describe("certificate signing requests", () => {
  it("are filed, approved once, and give their certificate", async () => {
    const client = await start();
    const certificate = signedCertificate(client, "web", AbortSignal.timeout(5000));
    const approved = await approveSigningRequest(client, "web", { reason: "Mesh", message: "known workload" });
    expect(approved.status).toMatchObject({ conditions: [{ type: "Approved", status: "True", reason: "Mesh" }] });
    expect(await certificate).toBe("certificate of REQUEST");
    const again = await approveSigningRequest(client, "web", { reason: "Other", message: "" });
    expect(again.metadata.resourceVersion).toBe(approved.metadata.resourceVersion);
  });

  it("tell when they are denied, and when the wait is over", async () => {
    const client = await start();
    await expect(signedCertificate(client, "web", AbortSignal.timeout(50))).rejects.toMatchObject({ code: "aborted" });
    const request = await client.get(RESOURCES.certificateSigningRequests, "web");
    const status = { conditions: [{ type: "Denied", status: "True", message: "unknown workload" }] };
    await client.replace(RESOURCES.certificateSigningRequests, { ...request, status }, { subresource: "approval" });
    await expect(signedCertificate(client, "web", AbortSignal.timeout(5000))).rejects.toMatchObject({
      code: "denied",
      message: "request web: unknown workload",
    });
  });
});
