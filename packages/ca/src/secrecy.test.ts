import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { csrPem, identity } from "../test/support/requests.ts";
import { createAgent } from "./agent/agent.ts";
import { inProcessClient } from "./agent/ca-client.ts";
import type { AuditRecord } from "./authority/audit.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "./authority/self-signed.ts";
import { CA_ERRORS, CaError, type CaErrorCode } from "./error.ts";
import { joinTokens } from "./grpc/join-token.ts";
import { newPrivateKey } from "./keys/algorithm.ts";
import { parsePrivateKey } from "./keys/file.ts";
import { memoryKeyManager } from "./keys/memory.ts";
import { localSigner } from "./keys/signer.ts";

const keys = memoryKeyManager();
const audit: AuditRecord[] = [];
let authority: SelfSignedAuthority;
beforeAll(async () => {
  authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys, audit: (record) => audit.push(record) });
});
afterAll(() => authority.close());

/** Everything that printing, logging or JSON may show of a value. */
const shown = (value: unknown) => {
  let json = "";
  try {
    json = JSON.stringify(value) ?? "";
  } catch {
    // What is circular is not logged as JSON either.
  }
  return inspect(value, { depth: 20, showHidden: true, getters: false }) + json + String(value);
};

test("no private key and no token in what is printed of authorities, keys, agents, tokens, audit records and errors", async () => {
  const key = newPrivateKey("ec-p256");
  const secret = String(key.export({ type: "pkcs8", format: "pem" }));
  const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  await agent.ready;
  const pair = agent.get("default");
  const agentKey = pair?.kind === "key-pair" ? pair.privateKey : "";
  expect(agentKey).toContain("PRIVATE KEY");
  const tokens = joinTokens();
  const token = tokens.add({ identity });
  await authority.issue({ csr: csrPem(), identity });
  const errors = [
    await authority.issue({ csr: secret, identity }).catch((error: unknown) => error),
    (() => {
      try {
        return parsePrivateKey(`${secret.slice(0, 120)}`, "key.pem");
      } catch (error) {
        return error;
      }
    })(),
  ];
  const all = [
    authority,
    keys,
    await keys.getKey("authority-1"),
    localSigner("a", key),
    agent,
    tokens,
    audit,
    ...errors,
  ]
    .map(shown)
    .join("\n");
  for (const text of [secret, agentKey]) {
    const [, line = ""] = text.split("\n");
    expect(line.length).toBeGreaterThan(40);
    expect(all).not.toContain(line);
  }
  expect(all).not.toContain(token);
  expect(all).not.toContain("PRIVATE KEY-----");
  await agent.close();
});

test("what a peer is told of authentication and of inner failures is the same whatever the reason", () => {
  const told = (code: CaErrorCode) => new CaError(code, "pod reviews-1 is not on node-a").publicMessage;
  for (const code of Object.keys(CA_ERRORS) as CaErrorCode[])
    if (CA_ERRORS[code].public) expect(told(code)).toContain("node-a");
    else expect(told(code)).not.toContain("node-a");
  expect(told("UNAUTHENTICATED")).toBe(told("IMPERSONATION_DENIED"));
});
