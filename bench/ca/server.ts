import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { certificateService } from "@fairlead/ca/grpc";
import { parseSpiffeId } from "@fairlead/model";
import { Server, ServerCredentials } from "@grpc/grpc-js";

/** The certificate service over plaintext, whose callers are whom their bearer token names; `verify` as in core.ts. */
const authority = await selfSignedAuthority({
  trustDomain: "cluster.local",
  keys: memoryKeyManager(),
  verifyAfterSign: process.argv.includes("verify"),
});
const unlimited = { perSecond: 1e9, burst: 1e9 };
const { definition, implementation } = certificateService({
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
});
const server = new Server();
server.addService(definition, implementation);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`127.0.0.1:${port}`);
});
