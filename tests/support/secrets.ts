import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { workloadSpiffeId } from "@fairlead/model";

/** An agent with a certificate of a throw-away authority, for an Envoy that needs one to come up. */
export async function startSecrets(
  namespace: string,
  serviceAccount: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "secrets-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = stack.use(await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() }));
  const identity = workloadSpiffeId("cluster.local", namespace, serviceAccount);
  const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
  await agent.ready;
  const path = join(folder, "sds.sock");
  await agent.listen(`unix:${path}`);
  const kept = stack.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
