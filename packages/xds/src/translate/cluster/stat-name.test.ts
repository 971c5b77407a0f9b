import { expect, test } from "vitest";
import { statName } from "./stat-name.ts";

const service = { hostname: "a.shop.svc.cluster.local", name: "a", namespace: "shop", registry: "Kubernetes" };
const input = { service, subset: "v1", port: { number: 80, name: "http" }, targetPort: 8080 };

test.each([
  ["%SERVICE%", "a.shop;"],
  ["%SERVICE_NAME%_%SERVICE_FQDN%", "a_a.shop.svc.cluster.local;"],
  ["%SERVICE_PORT_NAME%-%SERVICE_PORT%-%TARGET_PORT%-%SUBSET_NAME%", "http-80-8080-v1;"],
  ["%OTHER%", "%OTHER%;"],
])("%s", (pattern, expected) => {
  expect(statName(pattern, input)).toBe(expected);
});

test("hosts outside Kubernetes have no short name", () => {
  const external = { ...service, registry: "External" };
  expect(statName("%SERVICE%|%SERVICE_NAME%", { ...input, service: external })).toBe(
    "a.shop.svc.cluster.local|a.shop.svc.cluster.local;",
  );
});
