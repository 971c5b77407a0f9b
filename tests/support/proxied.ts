import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKeyManager, type SelfSignedAuthority, selfSignedAuthority } from "@fairlead/ca";
import { createAgent, fileSecrets, inProcessClient, listenSds, SECRET_NAMES } from "@fairlead/ca/agent";
import { type MeshConfig, type MeshNetworks, type TextStore, textStore } from "@fairlead/config";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { workloadSpiffeId } from "@fairlead/model";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { expect } from "vitest";
import { type EnvoyProcess, startEnvoy } from "./envoy-process.ts";

/** A proxy of a mesh under test. Its service account is its name. */
export interface Proxy {
  readonly type?: "sidecar" | "router";
  readonly address: string;
  /** Default: `default`. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** A folder whose files its agent serves, by the names that resources have for them (`file-root:PATH`). */
  readonly files?: string;
  readonly locality?: { readonly region?: string; readonly zone?: string; readonly subZone?: string };
}

export interface ProxiedOptions<Names extends string> {
  /** First parts of the addresses: `127.0.70`. The control plane is at its `.1`. */
  readonly net: string;
  /** YAML by file. */
  readonly files: Readonly<Record<string, string>>;
  readonly proxies: Readonly<Record<Names, Proxy>>;
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
}

/** A mesh with real Envoys, each with the agent beside it, without interception. */
export interface Proxied<Names extends string> extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly store: TextStore;
  readonly authority: SelfSignedAuthority;
  readonly envoys: Readonly<Record<Names, EnvoyProcess>>;
  /** Statistics of a proxy whose names match, by name. */
  statistics(proxy: Names, names: RegExp): Promise<Readonly<Record<string, number>>>;
}

/** Fails where an Envoy rejects something or translation finds an error. */
export async function startProxied<Names extends string>(options: ProxiedOptions<Names>): Promise<Proxied<Names>> {
  const { net, files, proxies, meshConfig, meshNetworks } = options;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "proxied-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const authority = stack.use(await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() }));
  const store = textStore(files);
  const plane = stack.use(
    await createControlPlane({
      config: store,
      registries: [manifestsRegistry(store.documents)],
      mesh: { ...(meshConfig ? { meshConfig } : {}), ...(meshNetworks ? { meshNetworks } : {}) },
      server: { timing: { drain: 0 } },
    }),
  );
  const nacks: string[] = [];
  plane.on("nack", ({ message }) => void nacks.push(message));
  stack.defer(() => expect(nacks).toEqual([]));
  const { ads } = await plane.listen({ ads: `${net}.1:0` });
  const start = async (name: string, proxy: Proxy): Promise<EnvoyProcess> => {
    const { type = "sidecar", address, namespace = "default", labels = { app: name }, metadata, locality } = proxy;
    const identity = workloadSpiffeId("cluster.local", namespace, name);
    const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
    await agent.ready;
    const sdsPath = join(folder, `${name}.sds`);
    const held = await fileSecrets({ secrets: [], directories: proxy.files === undefined ? [] : [proxy.files] });
    stack.defer(() => held.close());
    const secrets = {
      get: (secret: string) => agent.get(secret) ?? held.get(secret),
      subscribe(listener: (secret: string) => void) {
        const unsubscribe = [agent.subscribe(listener), held.subscribe(listener)];
        return () => unsubscribe.forEach((end) => void end());
      },
    };
    const names = Object.values(SECRET_NAMES);
    const serving = await listenSds(`unix:${sdsPath}`, secrets, names, (name) => held.want(name));
    stack.defer(() => serving.close());
    const envoy = stack.use(
      await startEnvoy({
        node: {
          id: `${type}~${address}~${name}-1.${namespace}~${namespace}.svc.cluster.local`,
          metadata: {
            INTERCEPTION_MODE: "NONE",
            NAMESPACE: namespace,
            LABELS: labels,
            SERVICE_ACCOUNT: name,
            ...metadata,
          },
          ...(locality ? { locality } : {}),
        },
        ads,
        adsSecurity: "plaintext",
        sdsPath,
        admin: `unix:${join(folder, `${name}.admin`)}`,
      }),
    );
    await envoy.ready();
    return envoy;
  };
  const started = await Promise.all(
    Object.entries<Proxy>(proxies).map(async ([name, proxy]) => [name, await start(name, proxy)] as const),
  );
  const envoys = Object.fromEntries(started) as Record<Names, EnvoyProcess>;
  await plane.converged();
  expect(plane.diagnostics().filter(({ severity }) => severity === "error")).toEqual([]);
  const kept = stack.move();
  return {
    plane,
    store,
    authority,
    envoys,
    async statistics(proxy, names) {
      const { body } = await envoys[proxy].admin(`/stats?format=json&filter=${encodeURIComponent(names.source)}`);
      const { stats } = JSON.parse(body) as { stats: { readonly name?: string; readonly value: number }[] };
      return Object.fromEntries(stats.flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** An object of Istio's API as YAML. */
export function object(kind: string, name: string, spec: object, metadata: object = {}): string {
  const group = /^(Authorization|RequestAuthentication|PeerAuthentication)/.test(kind) ? "security" : "networking";
  return `${JSON.stringify({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name, ...metadata }, spec })}\n`;
}
