import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";
import { headerModule } from "../support/wasm-module.ts";

const GATEWAY = "127.0.63.12";

const mesh = (backend: number) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  selector: { app: gateway }
  servers: [{ port: { number: 9080, name: http, protocol: HTTP }, bind: ${GATEWAY}, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{ route: [{ destination: { host: backend.example } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend }
spec:
  hosts: [backend.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${backend} } }]
`;

const plugin = (name: string, spec: string) => `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: ${name} }
spec: { selector: { matchLabels: { app: gateway } }, ${spec} }
`;

it("WebAssembly modules run as filters of requests and of connections; what cannot run denies", async () => {
  await using stack = new AsyncDisposableStack();
  const backend = createServer((request, response) => response.end(String(request.headers["x-wasm"] ?? "nothing")));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void backend.close());
  const folder = await mkdtemp(join(tmpdir(), "fairlead-wasm-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, "module.wasm");
  await writeFile(file, headerModule("x-wasm", "here"));
  const store = textStore({ "mesh.yaml": mesh((backend.address() as AddressInfo).port) });
  const plane = stack.use(await createControlPlane({ config: store }));
  const nacks: string[] = [];
  plane.on("nack", ({ message }) => void nacks.push(message));
  const { ads } = await plane.listen({ ads: "127.0.63.11:15010" });
  const envoy = await startGatewayEnvoy(stack, GATEWAY, ads);
  const seen = () =>
    fetch(`http://${GATEWAY}:9080/`).then(
      async (response) => `${response.status} ${await response.text()}`,
      () => "refused",
    );
  const now = async (texts: Record<string, string | undefined>, outcome: string | RegExp) => {
    store.set(texts);
    await plane.converged();
    await expect.poll(seen, { timeout: 5000 }).toMatch(outcome);
  };
  await now({}, "200 nothing");

  await now({ "http.yaml": plugin("http", `url: "file://${file}"`) }, "200 here");
  expect((await envoy.admin("/stats?filter=wasm.envoy.wasm.runtime.v8.active")).body).toMatch(/: [1-9]/);

  await now({ "network.yaml": plugin("network", `url: "file://${file}", type: NETWORK`) }, "200 here");
  expect(plane.diagnostics()).toEqual([]);

  await now({ "network.yaml": plugin("network", `url: "oci://registry.example/w:v1", type: NETWORK`) }, "refused");
  await now({ "network.yaml": undefined }, "200 here");
  await now({ "http.yaml": plugin("http", `url: "oci://registry.example/w:v1"`) }, /^403/);
  await now(
    { "http.yaml": plugin("http", `url: "oci://registry.example/w:v1", failStrategy: FAIL_OPEN`) },
    "200 nothing",
  );
  expect(nacks).toEqual([]);
});
