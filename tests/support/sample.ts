import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePem, initAuthority } from "@fairlead/ca";
import { clientCertificate, joinTokens } from "@fairlead/ca/grpc";
import type { MeshConfig } from "@fairlead/config";
import { type DirectoryStore, directoryStore } from "@fairlead/config/directory";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import type { CompliancePolicy } from "@fairlead/mesh";
import { parseSpiffeId } from "@fairlead/model";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { type Answer, get } from "../../examples/demo/program.ts";
import { type Running, startGateway, startWorkload, WORKLOADS } from "../../examples/demo/workloads.ts";

/** The demo's sample with real Envoys, at addresses of its own. */
export interface Sample extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly running: ReadonlyMap<string, Running>;
  /** Folder of the mesh's files. */
  readonly folder: string;
  readonly net: number;
  /** Writes (or with undefined removes) a file of the mesh and waits until every Envoy has accepted what came of it. */
  write(file: string, text: string): Promise<void>;
  /** GET through the gateway. */
  visit(path?: string, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
  /** GET of a service as a workload of the sample makes it, through its proxy. */
  call(
    from: string,
    service: string,
    path?: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: string }>;
  /** Stops the control plane and starts one anew on the same addresses, files and keys. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
}

export function answerOf(response: { readonly body: string }): Answer {
  return JSON.parse(response.body) as Answer;
}

export async function startSample(options: {
  readonly net: number;
  readonly mode: "delta" | "sotw";
  readonly meshConfig?: MeshConfig;
  readonly compliancePolicy?: CompliancePolicy;
}): Promise<Sample> {
  const { net, mode, meshConfig, compliancePolicy } = options;
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "sample-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const folder = join(home, "mesh");
  await cp(join(import.meta.dirname, "../../examples/demo/mesh"), folder, { recursive: true });
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), "utf8");
    await writeFile(
      join(folder, file),
      text.replaceAll("127.0.21.", `127.0.${net + 1}.`).replaceAll("127.0.20.", `127.0.${net}.`),
    );
  }
  const tokens = joinTokens();
  const control = `127.0.${net}.1`;
  const compose = async () => {
    const store: DirectoryStore = directoryStore(folder, { debounce: 20 });
    const authority = await initAuthority(join(home, "pki"), { trustDomain: "cluster.local" });
    const plane = await createControlPlane({
      config: store,
      registries: [manifestsRegistry(store.documents)],
      authority,
      ...(meshConfig ? { mesh: { meshConfig } } : {}),
      ...(compliancePolicy ? { compliancePolicy } : {}),
    });
    const listening = await plane.listen({
      ads: `${control}:15010`,
      http: `${control}:15014`,
      certificates: { address: `${control}:15012`, authenticators: [clientCertificate({ authority }), tokens] },
    });
    return {
      store,
      authority,
      plane,
      listening,
      async close() {
        await plane.close();
        await store.close();
        await authority.close();
      },
    };
  };
  let parts = await compose();
  stack.defer(() => parts.close());
  const around = {
    ads: parts.listening.ads,
    certificates: parts.listening.certificates ?? "",
    roots: bundlePem(parts.authority.trustBundle),
    token: (identity: string) => tokens.add({ identity: parseSpiffeId(identity) }),
    folder: home,
    net,
    mode,
  };
  const all = await Promise.all([
    ...WORKLOADS.map((workload) => startWorkload(workload, around)),
    startGateway(around),
  ]);
  for (const one of all) stack.defer(() => one.close());
  await parts.plane.converged();
  const running = new Map(all.map((one) => [one.name, one]));
  const numbers = new Map(WORKLOADS.map(({ service, version, number }) => [`${service}-${version}`, number]));
  const kept = stack.move();
  const sample: Sample = {
    get plane() {
      return parts.plane;
    },
    running,
    folder,
    net,
    async write(file, text) {
      const { plane, store } = parts;
      const before = plane.mesh;
      await writeFile(join(folder, file), text);
      await store.refresh();
      const end = Date.now() + 5000;
      while (plane.mesh === before && Date.now() < end)
        await plane.converged().then(() => new Promise((resolve) => setTimeout(resolve, 5)));
      await plane.converged();
    },
    visit: (path = "/", headers = {}) => get(`127.0.${net}.2`, 9000, "shop.example", path, headers),
    call: (from, service, path = "/", headers = {}) =>
      get(`127.0.${net + 1}.${numbers.get(from)}`, 9080, `${service}:9080`, path, headers),
    async restart(whileDown) {
      await parts.close();
      await whileDown?.();
      parts = await compose();
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
  return sample;
}
