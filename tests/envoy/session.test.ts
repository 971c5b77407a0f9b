import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";

const GATEWAY = "127.0.63.22";

const mesh = (ports: readonly number[]) => `
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
  http:
  - match: [{ uri: { prefix: /free } }]
    route: [{ destination: { host: free.example } }]
  - route: [{ destination: { host: pinned.example } }]
${["pinned", "free"]
  .map(
    (name) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}${name === "pinned" ? ', labels: { istio.io/persistent-session: "sid:/" }' : ""} }
spec:
  hosts: [${name}.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [${ports.map((port) => `{ address: 127.0.0.1, ports: { http: ${port} } }`).join(", ")}]
`,
  )
  .join("")}`;

it("sessions of a labelled service stay on one endpoint, by their cookie", async () => {
  await using stack = new AsyncDisposableStack();
  const ports: number[] = [];
  for (const name of ["one", "two", "three"]) {
    const backend = createServer((_, response) => response.end(name));
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    stack.defer(() => void backend.close());
    ports.push((backend.address() as AddressInfo).port);
  }
  const plane = stack.use(await createControlPlane({ config: textStore({ "mesh.yaml": mesh(ports) }) }));
  const { ads } = await plane.listen({ ads: "127.0.63.21:15010" });
  await startGatewayEnvoy(stack, GATEWAY, ads);
  await plane.converged();
  expect(plane.diagnostics()).toEqual([]);
  const ask = async (path: string, cookie?: string) => {
    const response = await fetch(`http://${GATEWAY}:9080${path}`, cookie ? { headers: { cookie } } : {});
    return { text: await response.text(), cookie: response.headers.get("set-cookie")?.split(";")[0] };
  };
  for (let session = 0; session < 5; session++) {
    const first = await ask("/");
    expect(first.cookie).toMatch(/^sid=/);
    for (let index = 0; index < 20; index++) expect((await ask("/", first.cookie)).text).toBe(first.text);
  }
  const free = await Promise.all(Array.from({ length: 30 }, () => ask("/free")));
  expect(new Set(free.map(({ text }) => text)).size).toBe(3);
  expect(free.every(({ cookie }) => cookie === undefined)).toBe(true);
});
