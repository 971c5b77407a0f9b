import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlePem, initAuthority } from "@fairlead/ca";
import { clientCertificate, joinTokens } from "@fairlead/ca/grpc";
import { directoryStore } from "@fairlead/config/directory";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { formatDiagnostic, parseSpiffeId } from "@fairlead/model";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { envoyBinary } from "../../tests/support/envoy-binary.ts";
import { bound, measureSplit, reviewsVersion, type Split, steadyTraffic, visit } from "./measure.ts";
import type { Answer } from "./program.ts";
import { claim, failed, say, step, table, title } from "./show.ts";
import { type Running, startGateway, startWorkload, WORKLOADS } from "./workloads.ts";

/**
 * The whole of it, live: a small application behind real Envoys, driven by a control plane composed from the packages.
 * With `--once` it ends after the last step, non-zero when anything it says is not so.
 */

const once = process.argv.includes("--once");
const CONTROL = "127.0.20.1";

/** Writes a file of the mesh as an editor would and waits until every Envoy has accepted what came of it. */
async function edit(plane: ControlPlane, file: string, change: (text: string) => string): Promise<number> {
  const before = plane.mesh;
  const text = await readFile(file, "utf8");
  const changed = change(text);
  if (changed === text) throw new Error(`${file} does not hold what was to be changed`);
  const seen = new Promise<void>((resolve) => {
    const unsubscribe = plane.onMesh((mesh) => {
      if (mesh === before) return;
      unsubscribe();
      resolve();
    });
  });
  const started = performance.now();
  await writeFile(file, changed);
  await seen;
  await plane.converged();
  return performance.now() - started;
}

/** Weights of the default route of reviews, v1 to v3. */
function withWeights(text: string, weights: readonly number[]): string {
  let index = 0;
  return text.replaceAll(/weight: \S+/g, () => `weight: ${weights[index++]}`);
}

async function showTraffic(): Promise<void> {
  title("Traffic through the gateway");
  const { status, body } = await visit();
  claim(status === 200, `GET http://shop.example:9000/ at 127.0.20.2 answers ${status}`);
  const answer = JSON.parse(body) as Answer;
  const hops: string[][] = [];
  const walk = (callee: Answer) => {
    hops.push([`${callee.service} ${callee.version}`, callee.caller || "(nobody)"]);
    for (const call of callee.calls) walk(call);
  };
  walk(answer);
  table(["callee", "caller, as the callee's proxy authenticated it"], hops);
  const expected: Readonly<Record<string, string>> = {
    page: "gateway",
    details: "page",
    reviews: "page",
    ratings: "reviews",
  };
  claim(
    hops.every(
      ([callee = "", caller]) =>
        caller === `spiffe://cluster.local/ns/default/sa/${expected[callee.split(" ")[0] ?? ""]}`,
    ),
    "every hop is mutual TLS, and each caller is who it should be",
  );
}

async function showSplit(weights: readonly number[], requests: number): Promise<void> {
  const versions = ["v1", "v2", "v3"];
  const measure = () => step(`${requests} requests`, () => measureSplit(requests));
  const within = ({ counts }: Split) =>
    versions.every((version, index) => {
      const share = (weights[index] ?? 0) / 100;
      return Math.abs((counts[version] ?? 0) - requests * share) <= bound(requests, share);
    });
  let measured = await measure();
  // One honest run in a thousand is outside for each share; two in a row are not believed.
  if (!within(measured)) measured = await measure();
  const { counts, failed: failures } = measured;
  table(
    ["reviews", "asked for", "measured", "within 99.9 %"],
    versions.map((version, index) => {
      const share = (weights[index] ?? 0) / 100;
      const count = counts[version] ?? 0;
      return [
        version,
        `${weights[index]} %`,
        `${((count / requests) * 100).toFixed(1)} %`,
        `±${((bound(requests, share) / requests) * 100).toFixed(1)} %`,
      ];
    }),
  );
  claim(
    failures.length === 0,
    failures.length === 0 ? "no request failed" : `${failures.length} requests failed: ${failures[0]}`,
  );
  claim(within(measured), "the measured split is the one asked for");
}

async function showEdit(plane: ControlPlane, file: string): Promise<void> {
  title("An edit: all traffic of reviews to v3");
  const started = performance.now();
  const accepted = await edit(plane, file, (text) => withWeights(text, [0, 0, 100]));
  let versions: string[] = [];
  while (versions.length < 20 && performance.now() - started < 10_000) {
    const { status, body } = await visit();
    const version = status === 200 ? reviewsVersion(JSON.parse(body) as Answer) : `${status}`;
    versions = version === "v3" ? [...versions, version] : [];
  }
  claim(
    versions.length === 20,
    `every Envoy had accepted it ${accepted.toFixed(0)} ms after the file was written, and 20 requests in a row went to v3`,
  );
  const { counts } = await measureSplit(50, { "end-user": "jason" });
  claim(counts.v2 === 50, "requests of jason still go to v2, as the first rule says");
}

async function showBrokenEdit(plane: ControlPlane, file: string): Promise<void> {
  title("A broken edit");
  const before = plane.mesh;
  const good = await readFile(file, "utf8");
  await writeFile(file, good.replace("weight: 100", "weight: lots"));
  const found = await step("waiting for what the control plane says of it", async () => {
    const end = Date.now() + 10_000;
    while (Date.now() < end) {
      const errors = plane.diagnostics().filter(({ severity }) => severity === "error");
      if (errors.length > 0) return errors;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return [];
  });
  for (const diagnostic of found) say(formatDiagnostic(diagnostic).replace(file, "reviews.yaml"));
  claim(
    found.some(({ position }) => position?.file === file && position.line > 1),
    "it is refused, with file, line and column",
  );
  const { counts } = await measureSplit(50);
  claim(
    plane.mesh === before && counts.v3 === 50,
    "the last good version stays in force: all traffic still goes to v3",
  );
  await writeFile(file, good);
  await step("mended", async () => {
    while (plane.diagnostics().some(({ severity }) => severity === "error"))
      await new Promise((resolve) => setTimeout(resolve, 20));
  });
}

async function showRotation(running: readonly Running[]): Promise<void> {
  title("Certificates rotated under load");
  const certificateOfPage = async () => (JSON.parse((await visit()).body) as Answer).calls[0]?.certificate;
  const before = await certificateOfPage();
  const traffic = steadyTraffic();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await step(`${running.length} certificates renewed, one after the other`, async () => {
    for (const { agent } of running) {
      await agent.rotate();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { requests, failed: failures } = await traffic.stop();
  claim(
    failures.length === 0,
    failures.length === 0
      ? `${requests} requests meanwhile, none failed`
      : `${failures.length} of ${requests} requests failed: ${failures[0]}`,
  );
  // Connections that were open keep their certificate; new ones have the new one.
  let after = before;
  for (let attempt = 0; attempt < 50 && after === before; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    after = await certificateOfPage();
  }
  claim(after !== undefined && after !== before, "details now sees another certificate of the page than before");
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "fairlead-demo-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const meshFolder = join(folder, "mesh");
  await cp(join(import.meta.dirname, "mesh"), meshFolder, { recursive: true });
  const reviews = join(meshFolder, "reviews.yaml");

  title("Starting");
  await step("Envoy 1.40", () => envoyBinary());
  const store = directoryStore(meshFolder);
  stack.defer(() => store.close());
  const authority = await step("certificate authority", () =>
    initAuthority(join(folder, "pki"), { trustDomain: "cluster.local" }),
  );
  stack.defer(() => authority.close());
  const tokens = joinTokens();
  const plane = await step("control plane: files in, Envoy resources out", () =>
    createControlPlane({ config: store, registries: [manifestsRegistry(store.documents)], authority }),
  );
  stack.defer(() => plane.close());
  const nacks: string[] = [];
  plane.on("nack", ({ client, message }) => void nacks.push(`${client.node.id}: ${message}`));
  const listening = await plane.listen({
    ads: `${CONTROL}:15010`,
    http: `${CONTROL}:15014`,
    certificates: { address: `${CONTROL}:15012`, authenticators: [clientCertificate({ authority }), tokens] },
  });
  const around = {
    ads: listening.ads,
    certificates: listening.certificates ?? "",
    roots: bundlePem(authority.trustBundle),
    token: (identity: string) => tokens.add({ identity: parseSpiffeId(identity) }),
    folder,
  };
  const running = await step("6 workloads, each a program with its agent and its Envoy, and the gateway", () =>
    Promise.all([...WORKLOADS.map((workload) => startWorkload(workload, around)), startGateway(around)]),
  );
  for (const one of running) stack.defer(() => one.close());
  await step("every Envoy has accepted all it was sent", () => plane.converged());

  await showTraffic();
  title("The split of reviews");
  await showSplit([70, 20, 10], 1000);
  await showEdit(plane, reviews);
  await showBrokenEdit(plane, reviews);
  await showRotation(running);
  claim(nacks.length === 0, nacks.length === 0 ? "no Envoy rejected anything" : `rejected: ${nacks.join("; ")}`);

  if (!once) {
    title("Still running. Ctrl-C ends it.");
    say(`the shop            curl -H 'host: shop.example' http://127.0.20.2:9000/`);
    say(`edit a weight in    ${reviews}`);
    say(`proxies             http://${listening.http}/debug/proxies`);
    say(`metrics             http://${listening.http}/metrics`);
    say(`an Envoy's admin    http://127.0.20.10:15000/`);
    await new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    title("Ending");
  }
}

await main();
if (failed() > 0) {
  console.log(`\n${failed()} claims do not hold.`);
  process.exitCode = 1;
} else title("Everything it said is so.");
