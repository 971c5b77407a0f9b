import { describe, expect, test } from "vitest";
import { meshFromYaml } from "../mesh/from-yaml.ts";
import { recordedRequests } from "./recorded.ts";
import { replay } from "./replay.ts";

const ENVOY =
  '[2024-04-15T20:17:00.310Z] "GET /admin/x?y=1 HTTP/1.1" 200 - 154 0 226 100 "10.0.35.28" "curl/8" "cc21d9b0" "stock" "10.2.0.3:80"';
const ISTIO =
  '[2024-05-06T06:15:26.961Z] "POST /pay HTTP/2" 503 UF upstream_reset_before_response_started{connection_failure} - "delayed connect error: 111" 0 91 0 - "-" "grpc-go" "id-1" "stock:80" "10.2.0.3:80" outbound|80||stock.default.svc.cluster.local 10.2.0.1:1 10.1.0.2:80 10.2.0.1:2 - default';
const JSON_LINE = JSON.stringify({
  method: "GET",
  path: "/",
  protocol: "HTTP/1.1",
  authority: "stock",
  user_agent: "-",
  upstream_cluster: "outbound|8080||stock.default.svc.cluster.local",
});

describe("records", () => {
  test("access logs, line by line", () => {
    expect(recordedRequests([ENVOY, ISTIO, "", JSON_LINE, "nonsense", "{broken"].join("\n"))).toEqual({
      requests: [
        { url: "http://stock/admin/x?y=1", method: "GET", headers: { host: "stock", "user-agent": "curl/8" } },
        { url: "http://stock:80/pay", method: "POST", headers: { "user-agent": "grpc-go" }, protocol: "http/2" },
        { url: "http://stock:8080/", method: "GET", headers: { host: "stock" } },
      ],
      skipped: [
        { line: 5, reason: "is not in Envoy's default format" },
        { line: 6, reason: "is no JSON" },
      ],
    });
  });

  test("HAR", () => {
    const headers = [
      { name: ":authority", value: "stock" },
      { name: "Accept", value: "*/*" },
    ];
    const har = { log: { entries: [{ request: { method: "GET", url: "http://stock/a#b", headers } }, {}] } };
    expect(recordedRequests(JSON.stringify(har, undefined, 1))).toEqual({
      requests: [{ url: "http://stock/a", method: "GET", headers: { Accept: "*/*" } }],
      skipped: [{ line: 2, reason: "an entry has no method and URL" }],
    });
  });
});

test("the same requests of two meshes: those whose fate differs, with their number", () => {
  const services = `
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: 10.1.0.2, selector: {app: stock}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: shop}}
status: {podIP: 10.2.0.1}
`;
  const closed = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock}
spec: {hosts: [stock], http: [{match: [{uri: {prefix: /admin}}], directResponse: {status: 403}}, {route: [{destination: {host: stock}}]}]}
`;
  const before = meshFromYaml([{ file: "services.yaml", text: services }]).mesh;
  const after = meshFromYaml([
    { file: "services.yaml", text: services },
    { file: "closed.yaml", text: closed },
  ]).mesh;
  const { requests } = recordedRequests([ENVOY, ISTIO, ENVOY].join("\n"));
  const questions = [...requests, { url: "http://nobody/" }].map((request) => ({ from: "shop.default", request }));
  const { asked, changed, unanswered } = replay(before, after, questions);
  expect(asked).toBe(3);
  expect(
    changed.map(({ question, times, after: answer }) => [question.request.url, times, answer.response?.status]),
  ).toEqual([["http://stock/admin/x?y=1", 2, 403]]);
  expect(unanswered).toMatchObject([
    { times: 1, reason: expect.stringContaining("no service of the mesh is named nobody") },
  ]);
});
