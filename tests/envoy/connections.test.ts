import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { type ExtensionProvider, type TextStore, textStore } from "@fairlead/config";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { decode, encode } from "@fairlead/xds/proto";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { get } from "../../examples/demo/program.ts";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";

const GATEWAY = "127.0.67.2";
const [OPEN, CLOSED] = [7001, 7002];

const mesh = (backend: number, authorizer: number) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: ${OPEN}, name: tcp-open, protocol: TCP }, bind: ${GATEWAY}, hosts: ["*"] }
    - { port: { number: ${CLOSED}, name: tcp-closed, protocol: TCP }, bind: ${GATEWAY}, hosts: ["*"] }
    - { port: { number: 9080, name: http, protocol: HTTP }, bind: ${GATEWAY}, hosts: ["*"] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  tcp: [{ route: [{ destination: { host: backend.example, port: { number: 9000 } } }] }]
  http: [{ directResponse: { status: 200, body: { string: fine } } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend }
spec:
  hosts: [backend.example]
  ports: [{ number: 9000, name: tcp, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tcp: ${backend} } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: authorizer }
spec:
  hosts: [authorizer.example]
  ports: [{ number: 9001, name: grpc, protocol: GRPC }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { grpc: ${authorizer} } }]
`;

const policy = (spec: string) => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: p }
spec:
  selector: { matchLabels: { app: gateway } }
${spec.replaceAll(/^/gm, "  ")}
`;

/** Connections whose content is not seen, and an authorizer that speaks gRPC, at a real Envoy. */
describe("who may connect", () => {
  const stack = new AsyncDisposableStack();
  let store: TextStore;
  let plane: ControlPlane;
  /** What the authorizer was asked: the port, and the path of a request. */
  const asked: string[] = [];
  let verdict = 0;
  const nacks: string[] = [];

  beforeAll(async () => {
    // It waits to be spoken to: Envoy asks an authorizer when the client's first bytes are there, and what a server says before
    // that is through already.
    const backend = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => void socket.end("hello"));
    });
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    stack.defer(() => void backend.close());
    const authorizer = new Server();
    const bytes = (value: Buffer) => value;
    authorizer.addService(
      {
        Check: {
          path: "/envoy.service.auth.v3.Authorization/Check",
          requestStream: false,
          responseStream: false,
          requestSerialize: bytes,
          requestDeserialize: bytes,
          responseSerialize: bytes,
          responseDeserialize: bytes,
        },
      },
      {
        Check(call: { readonly request: Buffer }, respond: (error: null, value: Buffer) => void) {
          const { attributes } = decode("envoy.service.auth.v3.CheckRequest", call.request);
          const port = attributes?.destination?.address?.socketAddress?.portValue;
          asked.push(`${port} ${attributes?.request?.http?.path ?? "-"}`);
          respond(null, Buffer.from(encode("envoy.service.auth.v3.CheckResponse", { status: { code: verdict } })));
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      authorizer.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    stack.defer(() => authorizer.forceShutdown());
    store = textStore({ "mesh.yaml": mesh((backend.address() as AddressInfo).port, port) });
    const extensionProviders: ExtensionProvider[] = [
      { name: "asker", envoyExtAuthzGrpc: { service: "authorizer.example", port: 9001, timeout: "2s" } },
    ];
    plane = stack.use(await createControlPlane({ config: store, mesh: { meshConfig: { extensionProviders } } }));
    plane.on("nack", ({ message }) => void nacks.push(message));
    const { ads } = await plane.listen({ ads: "127.0.67.1:15010" });
    await startGatewayEnvoy(stack, GATEWAY, ads);
    await plane.converged();
  });
  afterAll(async () => {
    await stack.disposeAsync();
    expect(nacks).toEqual([]);
  });

  /** What comes over a connection before it ends; nothing where it is refused. */
  const received = (port: number) =>
    new Promise<string>((resolve) => {
      let text = "";
      const socket = connect({ host: GATEWAY, port, timeout: 5000 }, () => void socket.write("x"));
      socket.on("data", (chunk) => {
        text += chunk.toString("utf8");
      });
      socket.on("timeout", () => socket.destroy());
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
    });
  const both = async () => [await received(OPEN), await received(CLOSED)];
  const set = async (spec: string | undefined, expected: readonly string[]) => {
    store.set({ "policy.yaml": spec === undefined ? undefined : policy(spec) });
    await vi.waitFor(async () => expect(await both()).toEqual(expected), { timeout: 8000, interval: 30 });
    await plane.converged();
  };

  it.each([
    ["DENY a port", `action: DENY\nrules: [{ to: [{ operation: { ports: ["${CLOSED}"] } }] }]`, ["hello", ""]],
    ["ALLOW a port", `rules: [{ to: [{ operation: { ports: ["${OPEN}"] } }] }]`, ["hello", ""]],
    ["ALLOW nothing", "{}", ["", ""]],
    [
      "DENY all but an address",
      "action: DENY\nrules: [{ from: [{ source: { notIpBlocks: [127.0.0.0/8] } }] }]",
      ["hello", "hello"],
    ],
    ["ALLOW another address", "rules: [{ from: [{ source: { ipBlocks: [10.0.0.0/8] } }] }]", ["", ""]],
    ["ALLOW what asks about requests: never", "rules: [{ to: [{ operation: { methods: [GET] } }] }]", ["", ""]],
    [
      "DENY what asks about requests: without that",
      `action: DENY\nrules: [{ to: [{ operation: { methods: [GET], ports: ["${CLOSED}"] } }] }]`,
      ["hello", ""],
    ],
    ["ALLOW principals, of which there are none", 'rules: [{ from: [{ source: { principals: ["*"] } }] }]', ["", ""]],
  ])("%s", async (_, spec, expected) => {
    await set(spec.replace("{}", "rules: []"), expected);
    await set(undefined, ["hello", "hello"]);
  });

  it("an authorizer is asked about what a policy says, connections and requests, and denies both", async () => {
    const spec = `action: CUSTOM
provider: { name: asker }
rules: [{ to: [{ operation: { ports: ["${CLOSED}"] } }] }, { to: [{ operation: { paths: [/asked] } }] }]`;
    verdict = status.PERMISSION_DENIED;
    // The rule about a path holds for connections without it: all are asked about.
    await set(spec, ["", ""]);
    expect(asked).toContain(`${CLOSED} -`);
    const visit = async (path: string) => (await get(GATEWAY, 9080, "shop.example", path)).status;
    expect([await visit("/asked"), await visit("/")]).toEqual([403, 200]);
    expect(asked.at(-1)).toBe("9080 /asked");
    verdict = status.OK;
    expect([await visit("/asked"), ...(await both())]).toEqual([200, "hello", "hello"]);
    await set(undefined, ["hello", "hello"]);
  });
});
