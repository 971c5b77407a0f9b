import { type ConnectionOptions, connect } from "node:tls";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { joinTokens } from "@fairlead/ca/grpc";
import { textStore } from "@fairlead/config";
import type { CompliancePolicy } from "@fairlead/mesh";
import { describe, expect, it } from "vitest";
import { createControlPlane } from "./control-plane.ts";

/** Version and cipher suite of a handshake, or `refused`. */
function dial(address: string, options: ConnectionOptions): Promise<string> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ["h2"], ...options });
    socket.on("secureConnect", () => {
      resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`);
      socket.destroy();
    });
    socket.on("error", () => resolve("refused"));
  });
}

const OLD = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
const CHACHA = { ...OLD, ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" };

describe("within a compliance policy the servers of a control plane take part in", () => {
  it.each<[CompliancePolicy, readonly [ConnectionOptions, RegExp][]]>([
    [
      "fips-140-2",
      [
        [{ ecdhCurve: "P-256" }, /^TLSv1\.3 TLS_AES_/],
        [{ ...OLD, ecdhCurve: "P-256" }, /^TLSv1\.2 TLS_ECDHE_ECDSA_WITH_AES_.*GCM/],
        [{ ecdhCurve: "X25519" }, /^refused/],
        [CHACHA, /^refused/],
      ],
    ],
    [
      "fips-140-3",
      [
        [{ ecdhCurve: "P-384" }, /^TLSv1\.3 TLS_AES_/],
        [{ ecdhCurve: "X25519" }, /^refused/],
        [{ ciphers: "TLS_CHACHA20_POLY1305_SHA256" }, /^refused/],
        [OLD, /^refused/],
      ],
    ],
    [
      "pqc",
      [
        [{ ecdhCurve: "X25519MLKEM768" }, /^TLSv1\.3 TLS_AES_/],
        [{ ecdhCurve: "X25519:P-256" }, /^refused/],
        [OLD, /^refused/],
      ],
    ],
  ])("%s", async (compliancePolicy, dials) => {
    await using authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const plane = await createControlPlane({ config: textStore({}), authority, compliancePolicy });
    await using _ = plane;
    const { ads, certificates = "" } = await plane.listen({
      ads: "127.0.0.1:0",
      // Who has no certificate is not turned away before TLS is agreed upon.
      authenticators: [joinTokens()],
      certificates: { address: "127.0.0.1:0", authenticators: [joinTokens()] },
    });
    for (const address of [ads, certificates])
      for (const [options, outcome] of dials) expect(await dial(address, options)).toMatch(outcome);
  });
});
