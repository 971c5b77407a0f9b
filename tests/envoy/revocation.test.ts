import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { initAuthority, inspectCertificate, issueToDirectory } from "@fairlead/ca";
import { createAgent, fileSecrets, inProcessClient, mountedCertificate } from "@fairlead/ca/agent";
import {
  clientCertificate,
  followRevocationLists,
  grpcAuthorityClient,
  listenCertificateService,
} from "@fairlead/ca/grpc";
import { workloadSpiffeId } from "@fairlead/model";
import { expect, it, vi } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";

const run = promisify(execFile);
const HOST = "127.0.75.9";
const ID = (account: string) => `spiffe://cluster.local/ns/default/sa/${account}`;

/** A listener with mutual TLS whose certificate and roots come from the agent's socket. */
function listener() {
  const sds = (name: string) => ({
    name,
    sdsConfig: {
      resourceApiVersion: "V3",
      apiConfigSource: {
        ...{ apiType: "GRPC", transportApiVersion: "V3" },
        grpcServices: [{ envoyGrpc: { clusterName: "sds-grpc" } }],
      },
    },
  });
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    statPrefix: "in",
    routeConfig: {
      virtualHosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }] },
      ],
    },
    httpFilters: [
      {
        name: "router",
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
      },
    ],
  };
  return {
    name: "in",
    address: { socketAddress: { address: HOST, portValue: 15006 } },
    filterChains: [
      {
        filters: [{ name: "http", typedConfig: manager }],
        transportSocket: {
          name: "tls",
          typedConfig: {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            requireClientCertificate: true,
            commonTlsContext: {
              tlsCertificateSdsSecretConfigs: [sds("default")],
              validationContextSdsSecretConfig: sds("ROOTCA"),
            },
          },
        },
      },
    ],
  };
}

it("an Envoy refuses a peer whose certificate an administrator has revoked, over a rotation of the root too, and no other", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "revocation-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const at = (...names: string[]) => join(home, ...names);
  const authority = await initAuthority(at("pki"), { trustDomain: "cluster.local" });
  stack.defer(() => authority.close());
  const server = await listenCertificateService({
    ...{ authority, authenticators: [clientCertificate({ authority })], address: "127.0.75.1:15012" },
    admins({ identity }) {
      if (identity.uri !== ID("admin")) throw new Error("not an administrator");
    },
  });
  stack.defer(() => server.close());
  for (const account of ["admin", "good", "bad"])
    await issueToDirectory({ dir: at("pki"), id: ID(account), out: at(account) });
  const secrets = stack.adopt(await fileSecrets({ secrets: mountedCertificate(at("admin")) }), (held) => held.close());
  const admin = grpcAuthorityClient({ address: server.address, identity: secrets });

  const identity = workloadSpiffeId("cluster.local", "default", "server");
  const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
  await agent.ready;
  await agent.listen(`unix:${at("sds")}`);
  const client = grpcAuthorityClient({ address: server.address, identity: agent });
  const problems: string[] = [];
  const onProblem = ({ message }: Error) => problems.push(message);
  const following = await followRevocationLists({ client, agent, pollSeconds: 0.2, onProblem });
  stack.defer(() => following.close());
  const envoy = stack.use(
    await startEnvoy({
      ...{ node: { id: "revocation" }, admin: `${HOST}:15000`, sdsPath: at("sds") },
      patch: (bootstrap) => ({
        ...bootstrap,
        dynamicResources: undefined,
        staticResources: { ...(bootstrap.staticResources as object), listeners: [listener()] },
      }),
    }),
  );
  await envoy.ready();
  /** The status, or 0 where TLS refused. */
  const call = async (account: string): Promise<string> => {
    const words = ["-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "5"];
    const own = ["--cert", at(account, "cert-chain.pem"), "--key", at(account, "key.pem")];
    const given = await run("curl", [...words, ...own, `https://${HOST}:15006/`]).catch(
      (error: { stdout: string }) => error,
    );
    return given.stdout;
  };
  await vi.waitFor(async () => expect([await call("good"), await call("bad")]).toEqual(["200", "200"]), 10_000);

  const { stdout } = await run("openssl", ["x509", "-in", at("bad", "cert-chain.pem"), "-noout", "-serial"]);
  await admin.revoke(stdout.trim().replace("serial=", "").toLowerCase());
  await vi.waitFor(async () => expect(await call("bad")).toBe("000"), 10_000);
  expect(await call("good")).toBe("200");

  // A new root has a CRL of its own from the beginning, and the old list stays with the old root.
  const prepared = (await admin.prepare()).slots.find(({ status }) => status === "prepared");
  await vi.waitFor(() => {
    const held = agent.get("ROOTCA");
    expect(held?.kind === "trust-bundle" && inspectCertificate(held.roots)).toHaveLength(2);
    expect(held?.kind === "trust-bundle" && held.revocationLists?.match(/BEGIN/g)).toHaveLength(2);
  }, 10_000);
  await admin.activate(prepared?.id ?? "");
  await issueToDirectory({ dir: at("pki"), id: ID("fresh"), out: at("fresh") });
  await vi.waitFor(async () => expect(await call("fresh")).toBe("200"), 10_000);
  expect([await call("good"), await call("bad")]).toEqual(["200", "000"]);
  const { body } = await envoy.admin("/stats?filter=listener.*ssl.*(fail|error)");
  expect(body).toMatch(/fail_verify_error: [1-9]/);
  expect(problems).toEqual([]);
});
