// One row for each bad call, over a real TLS connection: longer than a concept, because it is a table.

import { parseSpiffeId, workloadSpiffeId } from "@fairlead/model";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Writer } from "protobufjs/minimal.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity, p256 } from "../../test/support/requests.ts";
import type { AuditRecord } from "../authority/audit.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { inspectCertificate } from "../certificate/inspect.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import type { Authenticator } from "./authenticator.ts";
import { clientCertificate } from "./client-certificate.ts";
import { CREATE_CERTIFICATE } from "./definition.ts";
import { type JoinTokens, joinTokens } from "./join-token.ts";
import { type CertificateListener, listenCertificateService } from "./listen.ts";
import { decodeResponse, encodeRequest } from "./wire.ts";

const node = workloadSpiffeId("cluster.local", "istio-system", "ztunnel");
const strangers = "a-token-of-a-stranger-0";
const tokenOf = {
  workload: "token-of-a-workload-1",
  node: "token-of-a-node-agent",
  busy: "token-of-a-busy-one-1",
  foreign: strangers,
};
const audit: AuditRecord[] = [];
let authority: SelfSignedAuthority;
let listener: CertificateListener;
let tokens: JoinTokens;

/** An authenticator as odd as a plugin can be. */
const odd: Authenticator = {
  name: "odd",
  authenticate(call) {
    const [mode] = call.metadata("x-odd");
    if (mode === "throws") throw "a string";
    if (mode === "comma")
      return { authenticator: "odd", identity: { ...identity, uri: "spiffe://cluster.local/ns/a/sa/b,evil.com" } };
    if (mode === "foreign") return { authenticator: "odd", identity: parseSpiffeId("spiffe://other/ns/a/sa/b") };
    return undefined;
  },
};

beforeAll(async () => {
  authority = await selfSignedAuthority({
    trustDomain: "cluster.local",
    keys: memoryKeyManager(),
    audit: (r) => audit.push(r),
  });
  const other = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
  tokens = joinTokens({
    tokens: [
      { identity, token: tokenOf.workload, uses: "many" },
      { identity: node, token: tokenOf.node, uses: "many" },
      { identity: workloadSpiffeId("cluster.local", "default", "busy"), token: tokenOf.busy, uses: "many" },
    ],
  });
  listener = await listenCertificateService({
    authority,
    authenticators: [clientCertificate({ authority }), tokens, odd],
    address: "127.0.0.1:0",
    signers: new Map([["other", other]]),
    impersonation(caller, wanted) {
      if (caller.identity.uri !== node.uri) throw new Error("not a node");
      if (wanted.path === "/ns/default/sa/elsewhere") throw new Error("no such workload on this node");
    },
    rateLimits: { perCaller: { perSecond: 1, burst: 200 } },
    audit: (record) => audit.push(record),
  });
});
afterAll(async () => {
  await listener.close();
  await authority.close();
});

interface CallOptions {
  readonly message?: Buffer;
  readonly headers?: readonly (readonly [string, string])[];
  readonly token?: string;
  readonly certificate?: { readonly chain: string; readonly key: string };
}

type Answer = {
  readonly code: number;
  readonly details: string;
  readonly fairlead: string;
  readonly retry: number;
  readonly chain: readonly string[];
};

/** One call with its own connection. */
function call({
  message = encodeRequest({ csr: csrPem() }),
  headers = [],
  token,
  certificate,
}: CallOptions): Promise<Answer> {
  const roots = Buffer.from(authority.trustBundle.x509Authorities.join(""));
  const channel = credentials.createSsl(
    roots,
    certificate ? Buffer.from(certificate.key) : null,
    certificate ? Buffer.from(certificate.chain) : null,
  );
  const client = new Client(listener.address, channel, { "grpc.use_local_subchannel_pool": 1 });
  const metadata = new Metadata();
  if (token !== undefined) metadata.add("authorization", `Bearer ${token}`);
  for (const [name, value] of headers) metadata.add(name, value);
  const same = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 10_000 };
    client.makeUnaryRequest(
      CREATE_CERTIFICATE,
      same,
      same,
      message,
      metadata,
      options,
      (error: ServiceError | null, value) => {
        client.close();
        resolve({
          code: error?.code ?? 0,
          details: error?.details ?? "",
          fairlead: String(error?.metadata?.get("fairlead-code")[0] ?? ""),
          retry: Number(error?.metadata?.get("grpc-retry-pushback-ms")[0]),
          chain: value ? decodeResponse(value).certChain : [],
        });
      },
    );
  });
}

async function certificateOf(id = identity, by = authority, ttlSeconds = 3600) {
  const key = p256();
  const issued = await by.issue({ csr: csrPem({ key }), identity: id, ttlSeconds });
  return { chain: issued.certificateChain.join(""), key: String(key.export({ type: "pkcs8", format: "pem" })) };
}

test("a token gets a certificate: leaf first, all roots last", async () => {
  const { code, chain } = await call({ token: tokenOf.workload });
  expect(code).toBe(0);
  expect(chain).toHaveLength(2);
  expect(inspectCertificate(chain[0] ?? "")[0]?.spiffeId).toBe(identity.uri);
  expect(chain[1]).toBe(authority.trustBundle.x509Authorities.join(""));
});

test("a client certificate gets its own identity renewed", async () => {
  const { code, chain } = await call({ certificate: await certificateOf() });
  expect(code).toBe(0);
  expect(inspectCertificate(chain[0] ?? "")[0]?.spiffeId).toBe(identity.uri);
});

test("what Istio's agents send besides is understood", async () => {
  const message = encodeRequest({
    csr: csrPem(),
    validityDuration: 600,
    metadata: { CertSigner: "", ClusterID: "Kubernetes", WorkloadName: "x" },
  });
  const { code, chain } = await call({ token: tokenOf.workload, message, headers: [["clusterid", "Kubernetes"]] });
  expect(code).toBe(0);
  const [leaf] = inspectCertificate(chain[0] ?? "");
  expect(Date.parse(leaf?.notAfter ?? "") - Date.now()).toBeLessThanOrEqual(600_000);
});

/** A message with a validity that is any 64 bits. */
const withValidity = (bits: bigint) => {
  const varint: number[] = [];
  let rest = BigInt.asUintN(64, bits);
  for (; rest > 127n; rest >>= 7n) varint.push(Number(rest & 127n) | 128);
  return Buffer.concat([encodeRequest({ csr: csrPem() }), Buffer.from([24, ...varint, Number(rest)])]);
};
const struct = (write: (writer: Writer) => Writer) =>
  Buffer.concat([
    encodeRequest({ csr: csrPem() }),
    Buffer.from(write(Writer.create().uint32(34).fork()).ldelim().finish()),
  ]);
const nestedStruct = (depth: number) => {
  let value = Buffer.from(Writer.create().uint32(26).string("x").finish());
  for (let level = 0; level < depth; level++) {
    const entry = Writer.create().uint32(10).string("a").uint32(18).bytes(value).finish();
    value = Buffer.from(Writer.create().uint32(42).bytes(Writer.create().uint32(10).bytes(entry).finish()).finish());
  }
  return struct((writer) =>
    writer.uint32(10).bytes(Writer.create().uint32(10).string("a").uint32(18).bytes(value).finish()),
  );
};
const wide = (fields: number) =>
  struct((writer) => {
    for (let at = 0; at < fields; at++)
      writer.uint32(10).fork().uint32(10).string(`f${at}`).uint32(18).fork().uint32(32).bool(true).ldelim().ldelim();
    return writer;
  });
const impersonating = (value: string) => encodeRequest({ csr: csrPem(), metadata: { ImpersonatedIdentity: value } });
const impersonatingNumber = struct((writer) =>
  writer
    .uint32(10)
    .fork()
    .uint32(10)
    .string("ImpersonatedIdentity")
    .uint32(18)
    .fork()
    .uint32(17)
    .double(7)
    .ldelim()
    .ldelim(),
);

const { UNAUTHENTICATED, INVALID_ARGUMENT } = status;
const good = { token: tokenOf.workload };
const rows: readonly (readonly [row: number, what: string, code: number, fairlead: string, options: CallOptions])[] = [
  [1, "an empty csr", INVALID_ARGUMENT, "CSR_MALFORMED", { ...good, message: encodeRequest({ csr: "" }) }],
  [1, "an empty message", INVALID_ARGUMENT, "CSR_MALFORMED", { ...good, message: Buffer.alloc(0) }],
  [
    4,
    "bytes that are no message",
    INVALID_ARGUMENT,
    "CSR_MALFORMED",
    { ...good, message: Buffer.from([10, 255, 255, 255]) },
  ],
  [
    4,
    "a csr that is no UTF-8",
    INVALID_ARGUMENT,
    "CSR_MALFORMED",
    { ...good, message: Buffer.from([10, 2, 0xc3, 0x28]) },
  ],
  [31, "an identity with a comma", UNAUTHENTICATED, "SPIFFE_ID_INVALID", { headers: [["x-odd", "comma"]] }],
  [33, "a caller of another trust domain", UNAUTHENTICATED, "SPIFFE_ID_INVALID", { headers: [["x-odd", "foreign"]] }],
  [35, "validity 2^63-1", INVALID_ARGUMENT, "TTL_TOO_LONG", { ...good, message: withValidity(2n ** 63n - 1n) }],
  [35, "validity 2^53+1", INVALID_ARGUMENT, "TTL_TOO_LONG", { ...good, message: withValidity(2n ** 53n + 1n) }],
  [
    35,
    "validity that overflows Go's Duration",
    INVALID_ARGUMENT,
    "TTL_TOO_LONG",
    { ...good, message: withValidity(9_223_372_037n) },
  ],
  [34, "negative validity means the default", 0, "", { ...good, message: withValidity(-5n) }],
  [37, "no authorization", UNAUTHENTICATED, "UNAUTHENTICATED", {}],
  [
    37,
    "bearer in lower case",
    UNAUTHENTICATED,
    "UNAUTHENTICATED",
    { headers: [["authorization", `bearer ${tokenOf.workload}`]] },
  ],
  [37, "Basic", UNAUTHENTICATED, "UNAUTHENTICATED", { headers: [["authorization", "Basic YTpi"]] }],
  [37, "an empty token", UNAUTHENTICATED, "UNAUTHENTICATED", { headers: [["authorization", "Bearer "]] }],
  [37, "a token of 20 kB", UNAUTHENTICATED, "UNAUTHENTICATED", { token: "x".repeat(20_000) }],
  [37, "an unknown token", UNAUTHENTICATED, "UNAUTHENTICATED", { token: strangers }],
  [37, "an authenticator that throws a string", UNAUTHENTICATED, "UNAUTHENTICATED", { headers: [["x-odd", "throws"]] }],
  [
    42,
    "impersonation by one who may not",
    UNAUTHENTICATED,
    "IMPERSONATION_DENIED",
    { ...good, message: impersonating("spiffe://cluster.local/ns/a/sa/b") },
  ],
  [
    42,
    "impersonation that the rule refuses",
    UNAUTHENTICATED,
    "IMPERSONATION_DENIED",
    { token: tokenOf.node, message: impersonating("spiffe://cluster.local/ns/default/sa/elsewhere") },
  ],
  [
    42,
    "an ImpersonatedIdentity that is a number",
    UNAUTHENTICATED,
    "IMPERSONATION_DENIED",
    { token: tokenOf.node, message: impersonatingNumber },
  ],
  [
    42,
    "an ImpersonatedIdentity that is no SPIFFE ID",
    UNAUTHENTICATED,
    "IMPERSONATION_DENIED",
    { token: tokenOf.node, message: impersonating("reviews") },
  ],
  [
    43,
    "an ImpersonatedIdentity of a foreign trust domain",
    UNAUTHENTICATED,
    "IMPERSONATION_DENIED",
    { token: tokenOf.node, message: impersonating("spiffe://other/ns/a/sa/b") },
  ],
  [
    46,
    "an unknown CertSigner",
    INVALID_ARGUMENT,
    "SIGNER_UNKNOWN",
    { ...good, message: encodeRequest({ csr: csrPem(), metadata: { CertSigner: "nope" } }) },
  ],
  [
    46,
    "a CertSigner with a slash",
    INVALID_ARGUMENT,
    "SIGNER_UNKNOWN",
    { ...good, message: encodeRequest({ csr: csrPem(), metadata: { CertSigner: "a/b" } }) },
  ],
  [
    46,
    "a CertSigner of 10 kB",
    INVALID_ARGUMENT,
    "SIGNER_UNKNOWN",
    { ...good, message: encodeRequest({ csr: csrPem(), metadata: { CertSigner: "x".repeat(10_000) } }) },
  ],
  [
    46,
    "the CertSigner __proto__",
    INVALID_ARGUMENT,
    "SIGNER_UNKNOWN",
    { ...good, message: encodeRequest({ csr: csrPem(), metadata: { CertSigner: "__proto__" } }) },
  ],
  [
    47,
    "metadata of 100 kB",
    INVALID_ARGUMENT,
    "CSR_TOO_LARGE",
    { ...good, message: encodeRequest({ csr: csrPem(), metadata: { a: "x".repeat(100_000) } }) },
  ],
  [47, "metadata of 10,000 fields", INVALID_ARGUMENT, "CSR_TOO_LARGE", { ...good, message: wide(10_000) }],
  [47, "metadata of 300 fields", INVALID_ARGUMENT, "CSR_TOO_LARGE", { ...good, message: wide(300) }],
  [47, "metadata nested 1,000 deep", INVALID_ARGUMENT, "CSR_TOO_LARGE", { ...good, message: nestedStruct(1000) }],
];

test.each(rows)("row %i: %s", async (_row, _what, code, fairlead, options) => {
  expect(await call(options)).toMatchObject({ code, fairlead });
});

test("rows 37, 47: what is too large for the transport ends the call, not the server", async () => {
  expect((await call({ token: "x".repeat(1_000_000) })).code).not.toBe(0);
  expect((await call({ ...good, message: encodeRequest({ csr: "x".repeat(1_000_000) }) })).code).toBe(
    status.RESOURCE_EXHAUSTED,
  );
  expect((await call(good)).code).toBe(0);
});

test("the peer learns nothing of why; the audit has every reason and no secret", async () => {
  audit.length = 0;
  const { details } = await call({ token: strangers });
  expect(details).toBe("request authenticate failure");
  await call(good);
  expect(audit).toMatchObject([
    { outcome: "refused", code: "UNAUTHENTICATED", message: expect.stringContaining("join-token: no such credential") },
    { outcome: "issued", caller: { authenticator: "join-token", identity: identity.uri } },
  ]);
  expect(JSON.stringify(audit)).not.toContain("token-of-a");
  expect(JSON.stringify(audit)).not.toContain(strangers);
});

test("a node agent gets what the rule allows", async () => {
  const { chain } = await call({
    token: tokenOf.node,
    message: impersonating("spiffe://cluster.local/ns/default/sa/ratings"),
  });
  expect(inspectCertificate(chain[0] ?? "")[0]?.spiffeId).toBe("spiffe://cluster.local/ns/default/sa/ratings");
});

test("a CertSigner that is known signs", async () => {
  const { chain } = await call({
    ...good,
    message: encodeRequest({ csr: csrPem(), metadata: { CertSigner: "other" } }),
  });
  expect(chain[1]).not.toBe(authority.trustBundle.x509Authorities.join(""));
});

describe("row 45: client certificates that do not hold", () => {
  test("one of another authority", async () => {
    const stranger = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    expect((await call({ certificate: await certificateOf(identity, stranger) })).code).toBe(UNAUTHENTICATED);
  });
  test("a certificate is checked at each call, not only at the handshake", () => {
    const time = fakeClock(Date.now());
    const check = clientCertificate({ authority, clock: time });
    const ask = (pem: string) => check.authenticate({ peer: "", metadata: () => [], certificate: pemBytes(pem) });
    return certificateOf().then(({ chain }) => {
      expect(ask(chain)).toMatchObject({ identity: { uri: identity.uri } });
      expect(ask(chain)).toMatchObject({ identity: { uri: identity.uri } });
      time.jump(3_600_000);
      expect(() => ask(chain)).toThrow("expired");
    });
  });
  test("one that was revoked, one whose root was retired", async () => {
    let revoked = false;
    const own = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const check = clientCertificate({ authority: own, isRevoked: () => revoked });
    const { chain } = await certificateOf(identity, own);
    const ask = () => check.authenticate({ peer: "", metadata: () => [], certificate: pemBytes(chain) });
    expect(ask()).toMatchObject({ identity: { uri: identity.uri } });
    revoked = true;
    expect(ask).toThrow("revoked");
    revoked = false;
    const [first] = own.slots;
    await own.activate((await own.prepare()).id);
    expect(ask()).toMatchObject({ identity: { uri: identity.uri } });
    await own.retire(first?.id ?? "", { force: true });
    expect(ask).toThrow("leads to none");
  });
  test("bytes that are no certificate", () => {
    const check = clientCertificate({ authority });
    expect(() => check.authenticate({ peer: "", metadata: () => [], certificate: Buffer.alloc(40) })).toThrow(
      "SVID_INVALID",
    );
  });
});

const pemBytes = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ""), "base64");

test("row 48: a burst of one caller is bounded, with a hint when to come again", async () => {
  const answers = await Promise.all(Array.from({ length: 260 }, () => call({ token: tokenOf.busy })));
  const refused = answers.filter(({ code }) => code === status.RESOURCE_EXHAUSTED);
  expect(refused.length).toBeGreaterThan(5);
  expect(answers.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(200);
  expect(refused.every(({ fairlead, retry }) => fairlead === "RATE_LIMITED" && retry > 0 && retry <= 1000)).toBe(true);
  expect((await call(good)).code).toBe(0);
}, 60_000);

test("row 37: two authorizations", () => {
  const ask = () => tokens.authenticate({ peer: "", certificate: undefined, metadata: () => ["Bearer a", "Bearer b"] });
  expect(ask).toThrow("more than one");
});

describe("join tokens", () => {
  test("one-time: two at once, then never again; not spent by a bad request", async () => {
    const token = tokens.add({ identity });
    expect((await call({ token, message: encodeRequest({ csr: "x" }) })).fairlead).toBe("CSR_MALFORMED");
    const answers = await Promise.all([call({ token }), call({ token }), call({ token })]);
    expect(answers.filter(({ code }) => code === 0)).toHaveLength(1);
    expect((await call({ token })).code).toBe(UNAUTHENTICATED);
  });
  test("they end, and are taken back", async () => {
    const time = fakeClock();
    const own = joinTokens({ clock: time });
    const token = own.add({ identity, ttlSeconds: 60 });
    const ask = (value: string) =>
      own.authenticate({ peer: "", certificate: undefined, metadata: () => [`Bearer ${value}`] });
    expect(await ask(token)).toBeDefined();
    time.jump(60_000);
    expect(await ask(token)).toBeUndefined();
    const second = own.add({ identity });
    own.revoke(second);
    expect(await ask(second)).toBeUndefined();
    expect(own.size).toBe(0);
  });
  test("weak tokens are refused", () => {
    expect(() => tokens.add({ identity, token: "short" })).toThrow("OPTION_INVALID");
    expect(() => tokens.add({ identity, token: tokenOf.workload })).toThrow("OPTION_INVALID");
    expect(() => tokens.add({ identity, ttlSeconds: 0 })).toThrow("OPTION_INVALID");
  });
});

test("addresses that are none, taken, or plaintext beyond loopback", async () => {
  const base = { authority, authenticators: [] };
  await expect(listenCertificateService({ ...base, address: "nowhere" })).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
  await expect(listenCertificateService({ ...base, address: listener.address })).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
  await expect(listenCertificateService({ ...base, address: "0.0.0.0:0", insecure: true })).rejects.toMatchObject({
    code: "OPTION_INVALID",
  });
});
