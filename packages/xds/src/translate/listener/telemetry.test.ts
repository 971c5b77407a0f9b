import type { ConfigObject, MeshConfig } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import type { AccessLog } from "../../proto/types.ts";
import { type Build, generated } from "../generated.ts";
import { accessLogs, type LogWriter } from "./access-log.ts";
import { TEXT_FORMAT } from "./log-format.ts";
import type { ListenerClass } from "./proxy-headers.ts";
import { effectiveTracing } from "./tracing.ts";

function made<R>(meshConfig: MeshConfig, config: readonly ConfigObject[], make: (build: Build) => R) {
  const services = [aService("collector.default.svc.cluster.local")];
  const query: Query<void, { resource: R; problems: readonly string[] }> = {
    name: "made",
    key: () => "",
    compute(read) {
      const { resource, diagnostics } = generated(read, "x", make);
      return { resource, problems: diagnostics.map(({ code, path }) => `${code} ${path}`) };
    },
  };
  return new Derivations(Mesh.of({ meshConfig, config, services })).ask(query, undefined, aNode());
}

const logs = (
  meshConfig: MeshConfig,
  config: readonly ConfigObject[] = [],
  listenerClass: ListenerClass = "sidecar-inbound",
  writer: LogWriter = "http",
) => made(meshConfig, config, (build) => accessLogs(build, listenerClass, writer));
const names = (list: readonly AccessLog[] | undefined) => list?.map(({ name }) => name);
const telemetry = (name: string, spec: ConfigObject<"Telemetry">["spec"], namespace = "default") =>
  anObject("Telemetry", name, spec, { namespace });

describe("access logs", () => {
  test("none by default", () => {
    expect(logs({}).resource).toBeUndefined();
  });

  test("a file in text, with Istio's format", () => {
    expect(logs({ accessLogFile: "/dev/stdout" }).resource?.[0]?.typedConfig).toMatchObject({
      path: "/dev/stdout",
      logFormat: { textFormatSource: { inlineString: TEXT_FORMAT } },
    });
  });

  test("a file in JSON, with the format that is given and what it needs", () => {
    const config = {
      accessLogFile: "/x",
      accessLogEncoding: "JSON",
      accessLogFormat: '{"p":"%REQ_WITHOUT_QUERY(:PATH)%"}',
    };
    expect(logs(config as MeshConfig).resource?.[0]?.typedConfig).toMatchObject({
      logFormat: {
        jsonFormat: { p: "%REQ_WITHOUT_QUERY(:PATH)%" },
        formatters: [{ name: "envoy.formatter.req_without_query" }],
      },
    });
  });

  test("listeners log only what no chain takes, unless that is switched off", () => {
    const of = (config: MeshConfig) =>
      logs({ accessLogFile: "/x", ...config }, [], "sidecar-inbound", "listener").resource;
    expect(of({})?.[0]?.filter).toEqual({ responseFlagFilter: { flags: ["NR"] } });
    expect(of({ disableEnvoyListenerLog: true })).toBeUndefined();
  });

  test("a Telemetry goes before the mesh configuration, the more specific one before the other", () => {
    const mesh = {
      accessLogFile: "/x",
      extensionProviders: [
        { name: "als", envoyHttpAls: { service: "collector.default.svc.cluster.local", port: 9080 } },
      ],
    };
    const root = telemetry("mesh", { accessLogging: [{ providers: [{ name: "envoy" }] }] }, "istio-system");
    const own = telemetry("own", { accessLogging: [{ providers: [{ name: "als" }], filter: { expression: "true" } }] });
    const off = telemetry("off", { accessLogging: [{ disabled: true, match: { mode: "SERVER" } }] });
    expect(names(logs(mesh, [root]).resource)).toEqual(["envoy.access_loggers.file"]);
    const both = logs(mesh, [root, own]).resource;
    expect(names(both)).toEqual(["envoy.access_loggers.http_grpc"]);
    expect(both?.[0]?.filter?.extensionFilter?.typedConfig).toMatchObject({ expression: "true" });
    expect(logs(mesh, [root, off]).resource).toBeUndefined();
    expect(names(logs(mesh, [root, off], "sidecar-outbound").resource)).toEqual(["envoy.access_loggers.file"]);
  });

  test("providers that are not there, or whose service is not, are said", () => {
    const mesh = { extensionProviders: [{ name: "als", envoyTcpAls: { service: "none", port: 1 } }] };
    const one = telemetry("t", { accessLogging: [{ providers: [{ name: "als" }, { name: "nope" }] }] });
    expect(logs(mesh, [one])).toEqual({
      resource: undefined,
      problems: [
        "provider-invalid spec.accessLogging[0].providers",
        "provider-missing spec.accessLogging[0].providers",
      ],
    });
  });
});

describe("tracing", () => {
  const tracing = (meshConfig: MeshConfig, config: readonly ConfigObject[] = []) =>
    made(meshConfig, config, (build) => effectiveTracing(build, "sidecar-inbound"));
  const zipkinAt = (port: number) => ({
    extensionProviders: [{ name: "z", zipkin: { service: "collector.default.svc.cluster.local", port } }],
  });

  test("on by default, for one request of a hundred", () => {
    const { tracing: found } = tracing({}).resource;
    expect(found?.randomSampling).toEqual({ value: 1 });
    expect(found?.customTags).toHaveLength(9);
    expect(tracing({ enableTracing: false }).resource.tracing).toBeUndefined();
  });

  test("a Telemetry names the provider, the sampling and the tags", () => {
    const one = telemetry("t", {
      tracing: [
        {
          providers: [{ name: "z" }],
          randomSamplingPercentage: 0,
          enableIstioTags: false,
          customTags: { b: { literal: { value: "v" } }, a: { header: { name: "h", defaultValue: "d" } } },
          useRequestIdForTraceSampling: false,
        },
        { match: { mode: "CLIENT" }, disableSpanReporting: true },
      ],
    });
    const { resource, problems } = tracing(zipkinAt(9080), [one]);
    expect(problems).toEqual([]);
    expect(resource.sampleByRequestId).toBe(false);
    expect(resource.tracing).toMatchObject({
      randomSampling: {},
      customTags: [
        { tag: "a", requestHeader: { name: "h", defaultValue: "d" } },
        { tag: "b", literal: { value: "v" } },
      ],
      provider: { name: "envoy.tracers.zipkin" },
    });
  });

  test("to a port that is not there no spans are sent, as Envoy would refuse the listener", () => {
    const { resource, problems } = tracing(zipkinAt(9411), [
      telemetry("t", { tracing: [{ providers: [{ name: "z" }] }] }),
    ]);
    expect(resource.tracing).toBeUndefined();
    expect(problems).toEqual(["provider-invalid spec.tracing[0].providers"]);
  });

  test("without a provider that takes spans there is none", () => {
    const one = telemetry("t", { tracing: [{ providers: [{ name: "envoy" }] }] });
    expect(tracing({}, [one]).resource.tracing).toBeUndefined();
    expect(tracing({}, [one]).problems).toEqual(["provider-invalid spec.tracing[0].providers"]);
  });
});
