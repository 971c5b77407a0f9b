import { describe, expect, test } from "vitest";
import type { Permission, Principal } from "../envoy.ts";
import { judge } from "./engine.ts";
import { permissionRule } from "./permission.ts";
import { principalRule } from "./principal.ts";
import type { RbacSubject } from "./subject.ts";

const connection = {
  destination: { address: "10.0.0.1", port: 8080 },
  source: { address: "10.0.0.2", port: 1 },
  tls: true,
  sni: "a.b",
  alpn: [],
  protocol: "http/1.1",
  peer: { uris: ["spiffe://td/ns/a/sa/b"] },
} as const;
const subject: RbacSubject = {
  connection,
  remoteAddress: "1.2.3.4",
  http: {
    connection,
    path: "/info?x",
    pathname: "/info",
    headers: new Map([[":method", "GET"]]),
    metadata: new Map([["envoy.filters.http.jwt_authn", { payload: { iss: "me", groups: ["g1"] } }]]),
  },
};
const tcp: RbacSubject = { connection, remoteAddress: "10.0.0.2" };
const cidr = (addressPrefix: string, prefixLen: number) => ({ addressPrefix, prefixLen });

describe("permissions", () => {
  const rows: [Permission, boolean, boolean][] = [
    [{ any: true }, true, true],
    [{ header: { name: ":method", stringMatch: { exact: "GET" } } }, true, false],
    [{ notRule: { header: { name: ":method", stringMatch: { exact: "GET" } } } }, false, true],
    [{ urlPath: { path: { exact: "/info" } } }, true, false],
    [{ destinationPort: 8080 }, true, true],
    [{ destinationPortRange: { start: 8000, end: 8080 } }, false, false],
    [{ destinationIp: cidr("10.0.0.0", 24) }, true, true],
    [{ requestedServerName: { suffix: ".b" } }, true, true],
    [{ andRules: { rules: [{ any: true }, { destinationPort: 1 }] } }, false, false],
    [{ orRules: { rules: [{ destinationPort: 1 }, { any: true }] } }, true, true],
  ];
  test.each(rows)("%j: %s for HTTP, %s for TCP", (permission, http, plain) => {
    expect([permissionRule(permission).matches(subject), permissionRule(permission).matches(tcp)]).toEqual([
      http,
      plain,
    ]);
  });
});

describe("principals", () => {
  const claim = (value: object, ...path: string[]): Principal => ({
    metadata: { filter: "envoy.filters.http.jwt_authn", path: path.map((key) => ({ key })), value },
  });
  const rows: [Principal, boolean][] = [
    [{ authenticated: { principalName: { exact: "spiffe://td/ns/a/sa/b" } } }, true],
    [{ authenticated: { principalName: { prefix: "spiffe://other/" } } }, false],
    [{ authenticated: {} }, true],
    [{ directRemoteIp: cidr("10.0.0.2", 32) }, true],
    [{ remoteIp: cidr("1.2.3.0", 24) }, true],
    [{ remoteIp: cidr("10.0.0.0", 24) }, false],
    [{ filterState: { key: "io.istio.peer_principal", stringMatch: { suffix: "/sa/b" } } }, true],
    [claim({ stringMatch: { exact: "me" } }, "payload", "iss"), true],
    [claim({ listMatch: { oneOf: { stringMatch: { exact: "g1" } } } }, "payload", "groups"), true],
    [{ notId: { any: true } }, false],
    [{ andIds: { ids: [{ any: true }] } }, true],
  ];
  test.each(rows)("%j: %s", (principal, wanted) => {
    expect(principalRule(principal).matches(subject)).toBe(wanted);
  });
});

describe("verdicts", () => {
  const policy = { permissions: [{ any: true }], principals: [{ any: true }] };
  const never = { permissions: [{ destinationPort: 1 }], principals: [{ any: true }] };
  test("allow: the first by name", () => {
    expect(judge({ policies: { b: policy, a: policy } }, subject)).toMatchObject({ allowed: true, policy: "a" });
    expect(judge({ policies: { a: never } }, subject)).toMatchObject({ allowed: false });
    expect(judge({}, subject)).toMatchObject({ allowed: false });
  });
  test("deny", () => {
    expect(judge({ action: "DENY", policies: { a: never, b: policy } }, subject)).toMatchObject({
      allowed: false,
      policy: "b",
    });
    expect(judge({ action: "DENY", policies: { a: never } }, subject)).toMatchObject({ allowed: true });
  });
  test("log", () => {
    expect(judge({ action: "LOG", policies: { a: policy } }, subject)).toMatchObject({ allowed: true, policy: "a" });
  });
});
