import { generateKeyPairSync, sign } from "node:crypto";
import { inspect } from "node:util";
import { createCsr, memoryKeyManager, newPrivateKey, selfSignedAuthority } from "@fairlead/ca";
import { createAgent } from "@fairlead/ca/agent";
import { grpcCaClient, joinTokens, jwt } from "@fairlead/ca/grpc";
import { textStore } from "@fairlead/config";
import { workloadSpiffeId } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { credentials } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { createControlPlane } from "./control-plane.ts";

const LOOPBACK = "127.0.0.1:0";
const typeOf = (shortName: string) => RESOURCE_TYPES.find((type) => type.shortName === shortName)?.typeUrl ?? "";

/** Everything that printing, logging or JSON may show of a value. */
function shown(value: unknown): string {
  let json = "";
  try {
    json = JSON.stringify(value) ?? "";
  } catch {
    // What is circular is not logged as JSON either.
  }
  return inspect(value, { depth: 20, showHidden: true, maxArrayLength: null, maxStringLength: null }) + json;
}

/** A text as it may stand somewhere: as it is, in base64 (at any offset), as bytes in hexadecimal or in decimals. */
function forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const middle = (text: string) => text.slice(8, 48);
  const base64 = [0, 1, 2].map((offset) => middle(bytes.subarray(offset).toString("base64")));
  const spaced = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const decimals = [...bytes.subarray(0, 16)].join(", ");
  return [secret, ...base64, bytes.toString("hex").slice(0, 40), spaced, decimals];
}

it("no private key and no token is in pages, findings, events, errors and the state of proxies", async () => {
  await using authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
  const identity = workloadSpiffeId("cluster.local", "default", "gateway");
  const webKey = newPrivateKey("ec-p256");
  const key = String(webKey.export({ type: "pkcs8", format: "pem" }));
  const { certificateChain } = await authority.issue({ csr: createCsr({ key: webKey, identity }), identity });
  const store = textStore({
    "mesh.yaml": [
      {
        apiVersion: "networking.istio.io/v1",
        kind: "Gateway",
        metadata: { name: "web", namespace: "default" },
        spec: {
          servers: [
            {
              port: { number: 443, name: "https", protocol: "HTTPS" },
              hosts: ["*"],
              tls: { mode: "SIMPLE", credentialName: "web" },
            },
          ],
        },
      },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "web", namespace: "default" },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": certificateChain.join(""), "tls.key": key },
      },
      // One that is broken, so that somebody has something to say about it.
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "broken", namespace: "default" },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": certificateChain.join(""), "tls.key": key.slice(0, 200) },
      },
    ]
      .map((document) => JSON.stringify(document))
      .join("\n---\n"),
  });
  const plane = await createControlPlane({
    config: store,
    authority,
    credentials: manifestCredentials(store.documents),
  });
  await using _closing = plane;
  const seen: unknown[] = [];
  for (const name of ["connect", "disconnect", "push", "ack", "nack", "error"] as const)
    plane.on(name, (event) => seen.push(shown(event)));

  const issuer = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const tokenOf = (account: string) => {
    const claims = {
      iss: "https://issuer",
      aud: "istio-ca",
      sub: `system:serviceaccount:default:${account}`,
      exp: 1e10,
    };
    const signed = `${part({ alg: "ES256", kid: "k" })}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(signed), { key: issuer.privateKey, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };
  const join = joinTokens();
  const joining = join.add({ identity });
  const { ads, http, certificates } = await plane.listen({
    ads: LOOPBACK,
    http: LOOPBACK,
    authenticators: [
      jwt({
        keys: { keys: [{ ...issuer.publicKey.export({ format: "jwk" }), kid: "k", alg: "ES256" }] },
        issuer: "https://issuer",
        audiences: ["istio-ca"],
        trustDomain: "cluster.local",
      }),
    ],
    certificates: { address: LOOPBACK, authenticators: [join] },
  });
  const roots = authority.trustBundle.x509Authorities.join("");
  await using agent = createAgent({
    identity,
    ca: grpcCaClient({ address: certificates ?? "", roots, token: joining }),
  });
  await agent.ready;
  const secrets: string[] = [key.split("\n")[1] ?? "", joining];

  const connect = (account: string, onDisconnect: (error: Error) => void, refuses?: string) => {
    const token = tokenOf(account);
    secrets.push(token);
    return createDiscoveryClient({
      address: ads,
      credentials: credentials.createSsl(Buffer.from(roots)),
      node: {
        id: "router~10.0.0.9~gateway-1.default~default.svc.cluster.local",
        metadata: { SERVICE_ACCOUNT: "gateway" },
      },
      subscriptions: { [typeOf("LDS")]: ["*"], [typeOf("SDS")]: ["kubernetes://web"] },
      metadata: { authorization: `Bearer ${token}` },
      onResources: ({ typeUrl }) => (typeUrl === typeOf("SDS") ? refuses : undefined),
      onDisconnect,
    });
  };
  const refused = await new Promise<Error>((resolve) => {
    const client = connect("other", (error) => {
      client.close();
      resolve(error);
    });
  });
  using client = connect("gateway", () => undefined);
  await expect.poll(() => client.resources(typeOf("SDS")).size).toBe(1);
  // The client has the key; nothing else does.
  expect(shown(client.resources(typeOf("SDS")).get("kubernetes://web")?.json)).toContain(forms(key)[1]);
  using picky = connect("gateway", () => undefined, "I do not want it");
  await expect.poll(() => seen.some((event) => String(event).includes("I do not want it"))).toBe(true);

  const read = async (path: string) => (await fetch(`http://${http}${path}`)).text();
  const paths = [
    "/metrics",
    "/debug",
    ...(JSON.parse(await read("/debug")) as string[]),
    "/debug/config_dump?proxy=gateway",
  ];
  const pages = await Promise.all(paths.map(read));
  expect(pages.join("")).toContain("kubernetes://web");
  const everything = [
    ...pages,
    ...seen,
    shown(plane.diagnostics()),
    shown(plane.proxies()),
    shown(plane),
    shown(refused),
  ]
    .join("\n")
    .replaceAll(/\s+/g, " ");
  expect(everything.includes('"name":"broken"')).toBe(true);
  expect(picky.connected).toBe(true);
  for (const secret of secrets)
    for (const form of forms(secret)) expect(everything.includes(form), `${form.slice(0, 12)}…`).toBe(false);
  expect(everything.includes("PRIVATE KEY-----")).toBe(false);
});
