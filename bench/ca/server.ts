import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { listenCertificateService } from "@fairlead/ca/grpc";
import { parseSpiffeId } from "@fairlead/model";

/** The certificate service over plaintext, whose callers are whom their bearer token names; `verify` as in core.ts. */
const authority = await selfSignedAuthority({
  trustDomain: "cluster.local",
  keys: memoryKeyManager(),
  verifyAfterSign: process.argv.includes("verify"),
});
const unlimited = { perSecond: 1e9, burst: 1e9 };
const { address } = await listenCertificateService({
  authority,
  authenticators: [
    {
      name: "stub",
      authenticate(call) {
        const [value = ""] = call.metadata("authorization");
        return { authenticator: "stub", identity: parseSpiffeId(value.replace("Bearer ", "")) };
      },
    },
  ],
  rateLimits: { perCaller: unlimited, total: unlimited },
  address: "127.0.0.1:0",
  insecure: true,
});
console.log(address);
