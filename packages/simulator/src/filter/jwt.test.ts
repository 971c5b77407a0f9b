import { describe, expect, test } from "vitest";
import type { JwtAuthentication } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import { applyJwt } from "./jwt.ts";

const config: JwtAuthentication = {
  providers: { a: { issuer: "me" }, b: { issuer: "you", audiences: ["shop"] } },
  rules: [
    {
      match: { prefix: "/" },
      requires: {
        requiresAny: { requirements: [{ providerName: "b" }, { providerName: "a" }] },
      },
    },
  ],
  bypassCorsPreflight: true,
};

const subject = (claims?: HttpSubject["claims"], headers: Record<string, string> = {}): HttpSubject => ({
  connection: {
    destination: { address: "10.0.0.1", port: 80 },
    source: { address: "10.0.0.2", port: 40_000 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: "http/1.1",
  },
  path: "/",
  pathname: "/",
  headers: new Map(Object.entries({ ":method": "GET", ...headers })),
  metadata: new Map(),
  ...(claims && { claims }),
});

/** As a real Envoy answered the same requests. */
describe("any of several providers", () => {
  test.each([
    ["of the first", { iss: "me" }, undefined],
    ["of nobody", { iss: "else" }, { status: 401, body: "Jwt issuer is not configured" }],
    ["for others: that it is somebody else's to one provider says less", { iss: "you" }, { status: 403 }],
    ["that is missing", undefined, { status: 401, body: "Jwt is missing" }],
  ])("a token %s", (_, claims, reply) => {
    const outcome = applyJwt(config, subject(claims), undefined);
    if (reply) expect(outcome.reply).toMatchObject(reply);
    else expect(outcome.reply).toBeUndefined();
  });
});

test("preflight requests need no token", () => {
  const headers = { ":method": "OPTIONS", origin: "http://a.com", "access-control-request-method": "PUT" };
  expect(applyJwt(config, subject({ iss: "else" }, headers), undefined).reply).toBeUndefined();
});
