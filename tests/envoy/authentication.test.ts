import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { RequestListener } from "node:http";
import { type ExtensionProvider, type TextStore, textStore } from "@fairlead/config";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { get } from "../../examples/demo/program.ts";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";
import { serveOnLoopback } from "../support/loopback.ts";

const GATEWAY = "127.0.66.2";

const mesh = (backend: number, authorizer: number) => `
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
    - match: [{ headers: { "@request.auth.claims.groups": { exact: testers } } }]
      headers: { request: { set: { x-route: testers } } }
      route: [{ destination: { host: backend.example } }]
    - route: [{ destination: { host: backend.example } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend }
spec:
  hosts: [backend.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${backend} } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: authorizer }
spec:
  hosts: [authorizer.example]
  ports: [{ number: 8000, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${authorizer} } }]
`;

const authentication = (keys: string) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens }
spec:
  selector: { matchLabels: { app: gateway } }
  jwtRules:
    - issuer: ${keys}
      audiences: [shop]
      outputClaimToHeaders: [{ header: x-user, claim: sub }]
      fromHeaders: [{ name: authorization, prefix: "Bearer " }]
      fromCookies: [token]
`;

const policy = (name: string, spec: string, annotations = "{}") => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, annotations: ${annotations} }
spec:
  selector: { matchLabels: { app: gateway } }
${spec.replaceAll(/^/gm, "  ")}
`;

interface Signer {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function signer(kid: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
}

function token({ kid, privateKey }: Signer, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "ES256", kid })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** Tokens and external authorization at a real Envoy; the keys come from an issuer that the control plane asks. */
describe("who may ask", () => {
  let store: TextStore;
  let plane: ControlPlane;
  let issuer: string;
  const stack = new AsyncDisposableStack();
  const first = signer("first");
  const second = signer("second");
  let known: readonly Signer[] = [first];
  const asked: (string | undefined)[] = [];
  let verdict: RequestListener = (_, response) => void response.end();
  const nacks: string[] = [];

  const serve = (listener: RequestListener) => serveOnLoopback(stack, listener);

  beforeAll(async () => {
    const issuing = await serve((request, response) => {
      const answer = request.url?.endsWith("/openid-configuration")
        ? { issuer, jwks_uri: `${issuer}/keys` }
        : { keys: known.map(({ jwk }) => jwk) };
      response.end(JSON.stringify(answer));
    });
    issuer = `http://localhost:${issuing}`;
    const backend = await serve(({ headers }, response) =>
      response.end([headers["x-user"], headers["x-route"], headers["x-checked"]].map(String).join()),
    );
    const authorizer = await serve((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers["x-ask"]} ${request.headers["x-added"]}`);
      verdict(request, response);
    });
    store = textStore({ "mesh.yaml": mesh(backend, authorizer), "tokens.yaml": authentication(issuer) });
    const extensionProviders: ExtensionProvider[] = [
      {
        name: "asker",
        envoyExtAuthzHttp: {
          service: "authorizer.example",
          port: 8000,
          pathPrefix: "/check",
          timeout: "2s",
          statusOnError: "503",
          includeRequestHeadersInCheck: ["x-ask"],
          includeAdditionalHeadersInCheck: { "x-added": "yes" },
          headersToUpstreamOnAllow: ["x-checked"],
          headersToDownstreamOnDeny: ["x-why"],
        },
      },
    ];
    plane = stack.use(
      await createControlPlane({ config: store, mesh: { meshConfig: { extensionProviders } }, jwks: { refresh: 100 } }),
    );
    plane.on("nack", ({ message }) => void nacks.push(message));
    const { ads } = await plane.listen({ ads: "127.0.66.1:15010" });
    await startGatewayEnvoy(stack, GATEWAY, ads);
    await plane.converged();
    expect(plane.diagnostics()).toEqual([]);
  });
  afterAll(async () => {
    await stack.disposeAsync();
    expect(nacks).toEqual([]);
  });

  const visit = async (headers: Record<string, string> = {}, path = "/") => {
    const { status, body } = await get(GATEWAY, 9080, "shop.example", path, headers);
    return `${status} ${body}`;
  };
  const claims = (change: object = {}) => ({
    iss: issuer,
    aud: "shop",
    sub: "ann",
    exp: Math.floor(Date.now() / 1000) + 600,
    ...change,
  });
  const bearer = (by: Signer, change: object = {}) => ({ authorization: `Bearer ${token(by, claims(change))}` });
  /** Listeners are exchanged while requests go on. */
  const until = async (headers: Record<string, string>, expected: string | RegExp, path = "/") => {
    const end = Date.now() + 5000;
    for (;;) {
      const answer = await visit(headers, path);
      if (answer.match(expected) || Date.now() > end) return expect(answer).toMatch(expected);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it("takes tokens whose keys were found by the issuer's configuration, and requests without any", async () => {
    await until({}, "200 undefined,undefined,undefined");
    expect(await visit(bearer(first))).toBe("200 ann,undefined,undefined");
    expect(await visit({ cookie: `token=${token(first, claims())}` })).toBe("200 ann,undefined,undefined");
  });

  it.each([
    ["of a key that the issuer does not have", () => bearer(second), /^401 Jwks doesn't have key/],
    ["that has ended", () => bearer(first, { exp: 1 }), /^401 Jwt is expired/],
    ["for another audience", () => bearer(first, { aud: "other" }), /^403 Audiences in Jwt are not allowed/],
    ["of another issuer", () => bearer(first, { iss: "https://else" }), /^401 Jwt issuer is not configured/],
    ["that is none", () => ({ authorization: "Bearer x" }), /^401 Jwt is not in the form/],
  ])("refuses a token %s", async (_, headers, answer) => {
    expect(await visit(headers())).toMatch(answer);
  });

  it("routes by a claim", async () => {
    expect(await visit(bearer(first, { groups: ["testers", "all"] }))).toBe("200 ann,testers,undefined");
    expect(await visit(bearer(first, { groups: "testers" }))).toBe("200 ann,testers,undefined");
    expect(await visit(bearer(first, { groups: ["others"] }))).toBe("200 ann,undefined,undefined");
  });

  it("follows the issuer's keys", async () => {
    known = [first, second];
    await until(bearer(second), "200 ann");
    known = [second];
    await until(bearer(first), "401 Jwks doesn't have key");
    expect(await visit(bearer(second))).toMatch("200 ann");
    known = [first, second];
    await until(bearer(first), "200 ann");
  });

  it("asks for a token where a policy does, of the issuer and subject that it names", async () => {
    const rule = `rules: [{ from: [{ source: { requestPrincipals: ["${issuer}/a*"] } }], to: [{ operation: { notPaths: [/open] } }] }, { to: [{ operation: { paths: [/open] } }] }]`;
    store.set({ "policy.yaml": policy("tokens", rule) });
    await until({}, "403 RBAC: access denied");
    expect(await visit({}, "/open")).toMatch("200 ");
    expect(await visit(bearer(first))).toMatch("200 ann");
    expect(await visit(bearer(first, { sub: "bob" }))).toMatch("403 ");
    store.set({ "policy.yaml": undefined });
    await until({}, "200 ");
  });

  it("does not enforce what is tried out", async () => {
    store.set({ "policy.yaml": policy("dry", "action: DENY\nrules: [{}]", '{ "istio.io/dry-run": "true" }') });
    await plane.converged();
    expect(await visit()).toMatch("200 ");
    store.set({ "policy.yaml": policy("dry", "action: DENY\nrules: [{}]") });
    await until({}, "403 RBAC: access denied");
    store.set({ "policy.yaml": undefined });
    await until({}, "200 ");
  });

  it("leaves what a policy says to an external authorizer, and denies what that cannot be asked about", async () => {
    const custom = "action: CUSTOM\nprovider: { name: asker }\nrules: [{ to: [{ operation: { paths: [/asked] } }] }]";
    verdict = (_, response) => void response.writeHead(403, { "x-why": "because" }).end("not you");
    store.set({ "policy.yaml": policy("asked", custom) });
    await until({ "x-ask": "please" }, "403 not you", "/asked");
    expect(asked.at(-1)).toBe("GET /check/asked please yes");
    expect(await visit()).toMatch("200 ");

    verdict = (_, response) => void response.writeHead(200, { "x-checked": "fine", "x-secret": "no" }).end();
    expect(await visit({}, "/asked")).toBe("200 undefined,undefined,fine");
    // Only those headers pass that are named.
    expect(asked.at(-1)).toBe("GET /check/asked undefined yes");

    verdict = (request) => void request.socket.destroy();
    expect(await visit({}, "/asked")).toMatch("503 ");
    store.set({ "policy.yaml": policy("asked", custom.replace("asker", "nobody")) });
    await until({}, "403 RBAC: access denied", "/asked");
    expect(plane.diagnostics()).toMatchObject([{ code: "provider-invalid", path: "spec.provider" }]);
    store.set({ "policy.yaml": undefined });
    await until({}, "200 ", "/asked");
  });

  it("refuses tokens when there never were keys, and says so", async () => {
    store.set({ "tokens.yaml": authentication("http://localhost:1") });
    await until(bearer(first, { iss: "http://localhost:1" }), "401 Jwt verification fails");
    expect(await visit()).toMatch("200 ");
    await expect
      .poll(() => plane.diagnostics())
      .toMatchObject([
        { code: "jwks-unreachable", path: "spec.jwtRules[0].issuer", message: expect.stringContaining("ECONNREFUSED") },
      ]);
    store.set({ "tokens.yaml": authentication(issuer) });
    await until(bearer(first), "200 ann");
  });
});
