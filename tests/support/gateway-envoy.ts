import { type EnvoyProcess, startEnvoy } from "./envoy-process.ts";
import { startSecrets } from "./secrets.ts";

/**
 * An Envoy as the gateway of the label `app: gateway` in the namespace `default`, at an address of its own, with the agent
 * that serves its secrets; ready when this resolves. Both are ended with the stack.
 */
export async function startGatewayEnvoy(
  stack: AsyncDisposableStack,
  address: string,
  ads: string,
): Promise<EnvoyProcess> {
  const secrets = stack.use(await startSecrets("default", "gateway"));
  const envoy = stack.use(
    await startEnvoy({
      node: {
        id: `router~${address}~gateway-1.default~default.svc.cluster.local`,
        metadata: { LABELS: { app: "gateway" } },
      },
      ads,
      adsSecurity: "plaintext",
      sdsPath: secrets.path,
      admin: `${address}:15000`,
    }),
  );
  await envoy.ready();
  return envoy;
}
