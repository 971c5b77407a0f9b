import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { type MeshConfig, textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import {
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";

/** Every provider of spans and access logs, named by a Telemetry, at a real Envoy and a collector of its protocol. */

const GATEWAY = "127.0.63.42";

const mesh = (web: number, tcp: number, http: number, grpc: number) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  selector: { app: gateway }
  servers:
  - { port: { number: 9080, name: http, protocol: HTTP }, bind: ${GATEWAY}, hosts: ["*"] }
  - { port: { number: 9090, name: tcp, protocol: TCP }, bind: ${GATEWAY}, hosts: ["*"] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{ route: [{ destination: { host: web.example } }] }]
  tcp: [{ match: [{ port: 9090 }], route: [{ destination: { host: tcp.example } }] }]
${(
  [
    ["web", web, "HTTP"],
    ["tcp", tcp, "TCP"],
    ["http-collector", http, "HTTP"],
    ["grpc-collector", grpc, "GRPC"],
  ] as const
)
  .map(
    ([name, port, protocol]) => `---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name} }
spec:
  hosts: [${name}.example]
  ports: [{ number: 80, name: port, protocol: ${protocol} }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { port: ${port} } }]
`,
  )
  .join("")}`;

const http = { service: "http-collector.example", port: 80 };
const grpc = { service: "grpc-collector.example", port: 80 };
const extensionProviders: MeshConfig["extensionProviders"] = [
  { name: "zipkin", zipkin: { ...http, path: "/zipkin/spans", headers: [{ name: "x-token", value: "t" }] } },
  { name: "datadog", datadog: http },
  { name: "skywalking", skywalking: { ...grpc, accessToken: "a-token" } },
  { name: "otel-http", opentelemetry: { ...http, http: { path: "/otlp/traces", timeout: "2s" } } },
  { name: "otel-grpc", opentelemetry: grpc },
  {
    name: "dynatrace",
    opentelemetry: {
      ...http,
      http: { path: "/dynatrace/traces", headers: [{ name: "x-token", value: "t" }] },
      dynatraceSampler: { tenant: "tenant-1", clusterId: 7, rootSpansPerMinute: 10_000 },
    },
  },
  { name: "http-als", envoyHttpAls: { ...grpc, logName: "of-requests" } },
  { name: "tcp-als", envoyTcpAls: { ...grpc, logName: "of-connections" } },
  { name: "otel-log", envoyOtelAls: { ...grpc, logFormat: { text: "path is %REQ(:PATH)%", labels: { a: "label" } } } },
];

describe("providers of a Telemetry", () => {
  const stack = new AsyncDisposableStack();
  const store = textStore({});
  /** What collectors got: the path or method, and the bytes as text. */
  const received: { readonly at: string; readonly text: string }[] = [];
  const nacks: string[] = [];
  let converged: () => Promise<void>;

  const listening = async (server: ReturnType<typeof createServer> | ReturnType<typeof createTcpServer>) => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stack.defer(() => void server.close());
    return (server.address() as AddressInfo).port;
  };

  beforeAll(async () => {
    const web = await listening(createServer((_, response) => response.end("ok")));
    const tcp = await listening(createTcpServer((socket) => socket.end("ok")));
    const collector = await listening(
      createServer((request, response) => {
        let text = `${request.headers["x-token"] ?? ""} `;
        request.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1");
        });
        request.on("end", () => {
          received.push({ at: request.url ?? "", text });
          response.end("{}");
        });
      }),
    );
    const server = new Server();
    const bytes = (value: Buffer) => value;
    const method = (path: string, requestStream: boolean) => ({
      path,
      requestStream,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    });
    const stream = (path: string) => (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const token = call.metadata.get("authentication").join();
      call.on("data", (message: Buffer) => received.push({ at: path, text: `${token} ${message.toString("latin1")}` }));
      call.on("end", () => done(null, Buffer.alloc(0)));
    };
    const unary = (path: string) => (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      received.push({ at: path, text: call.request.toString("latin1") });
      done(null, Buffer.alloc(0));
    };
    const ALS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
    const SKYWALKING = "/skywalking.v3.TraceSegmentReportService/collect";
    const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
    server.addService(
      {
        als: method(ALS, true),
        sky: method(SKYWALKING, true),
        traces: method(TRACES, false),
        logs: method(LOGS, false),
      },
      { als: stream(ALS), sky: stream(SKYWALKING), traces: unary(TRACES), logs: unary(LOGS) },
    );
    stack.defer(() => server.forceShutdown());
    const grpcPort = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    store.set({ "mesh.yaml": mesh(web, tcp, collector, grpcPort) });
    const plane = stack.use(await createControlPlane({ config: store, mesh: { meshConfig: { extensionProviders } } }));
    plane.on("nack", ({ message }) => void nacks.push(message));
    converged = () => plane.converged();
    const { ads } = await plane.listen({ ads: "127.0.63.41:15010" });
    await startGatewayEnvoy(stack, GATEWAY, ads);
  });
  afterAll(() => stack.disposeAsync());

  const telemetry = (spec: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: shop }
spec: ${spec}
`;
  const request = async () => (await fetch(`http://${GATEWAY}:9080/seen`)).text();
  const connection = () =>
    new Promise<void>((resolve, reject) => {
      connect(9090, GATEWAY)
        .on("error", reject)
        .on("close", () => resolve())
        .resume();
    });

  it.each([
    ["zipkin", "/zipkin/spans", /^t .*"traceId"/],
    ["datadog", "/v0.4/traces", /gateway\.default/],
    ["skywalking", "/skywalking.v3.TraceSegmentReportService/collect", /^a-token [\s\S]*seen/],
    ["otel-http", "/otlp/traces", /gateway\.default/],
    ["dynatrace", "/dynatrace/traces", /^t [\s\S]*gateway\.default/],
    ["otel-grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", /gateway\.default/],
  ])("%s gets spans", async (name, at, text) => {
    received.length = 0;
    store.set({
      "t.yaml": telemetry(`{ tracing: [{ providers: [{ name: ${name} }], randomSamplingPercentage: 100 }] }`),
    });
    await converged();
    await expect
      .poll(
        async () => {
          for (let index = 0; index < 6; index++) await request();
          return received
            .filter((one) => one.at === at)
            .map((one) => one.text)
            .join("\n");
        },
        { timeout: 15_000, interval: 200 },
      )
      .toMatch(text);
    expect(nacks).toEqual([]);
  });

  it.each([
    ["http-als", "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", /of-requests[\s\S]*\/seen/],
    ["tcp-als", "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs", /of-connections/],
    ["otel-log", "/opentelemetry.proto.collector.logs.v1.LogsService/Export", /path is \/seen[\s\S]*label/],
  ])("%s gets access logs", async (name, at, text) => {
    received.length = 0;
    store.set({ "t.yaml": telemetry(`{ accessLogging: [{ providers: [{ name: ${name} }] }] }`) });
    await converged();
    await expect
      .poll(
        async () => {
          await request();
          await connection();
          return received
            .filter((one) => one.at === at)
            .map((one) => one.text)
            .join("\n");
        },
        { timeout: 15_000, interval: 200 },
      )
      .toMatch(text);
    expect(nacks).toEqual([]);
  });
});
