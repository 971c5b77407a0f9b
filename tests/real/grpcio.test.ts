import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundlePem, createCsr, memoryKeyManager, newPrivateKey, selfSignedAuthority } from "@fairlead/ca";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { workloadSpiffeId } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { grpcioPath, startPython } from "../support/grpcio.ts";
import { hasTool } from "../support/tool.ts";

/** gRPC's C core (through Python) as a client and as a server that are configured over xDS, without a proxy. */

const SERVER = "127.0.66.2";
const PROGRAM = fileURLToPath(new URL("grpcio/program.py", import.meta.url));

const service = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.default.svc.cluster.local]
  ports: [{number: 9000, name: grpc, protocol: GRPC}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: ${SERVER}, ports: {grpc: 50051}, serviceAccount: shop}]
`;
const deny = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-strangers}
spec:
  action: DENY
  rules: [{when: [{key: "request.headers[who]", values: [stranger]}]}]
`;
const mutual = (client: boolean) => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict}
spec: {mtls: {mode: STRICT}}
${
  client
    ? `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec: {host: shop.default.svc.cluster.local, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}}
`
    : ""
}`;

describe.runIf(await hasTool("python3", ["-m", "pip", "--version"], "gRPC for Python"))("gRPC for Python", () => {
  it("is a client and a server of the mesh, with policies and mutual TLS", async () => {
    await using stack = new AsyncDisposableStack();
    const packages = await grpcioPath();
    const home = await mkdtemp(join(tmpdir(), "grpcio-"));
    stack.defer(() => rm(home, { recursive: true, force: true }));
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    stack.defer(() => authority[Symbol.asyncDispose]());
    const store = textStore({ "service.yaml": service });
    const plane = stack.use(await createControlPlane({ config: store }));
    const nacks: string[] = [];
    plane.on("nack", ({ message }) => void nacks.push(message));
    const { ads } = await plane.listen({ ads: "127.0.66.1:0" });

    /** The bootstrap of a program, with its own certificate as files. */
    const bootstrapOf = async (name: string, ip: string) => {
      const identity = workloadSpiffeId("cluster.local", "default", name);
      const key = newPrivateKey("ec-p256");
      const issued = await authority.issue({ csr: createCsr({ key, identity }), identity });
      const files = {
        certificate_file: join(home, `${name}.pem`),
        private_key_file: join(home, `${name}.key`),
        ca_certificate_file: join(home, "roots.pem"),
      };
      await writeFile(files.certificate_file, issued.certificateChain.join(""));
      await writeFile(files.private_key_file, key.export({ type: "pkcs8", format: "pem" }));
      await writeFile(files.ca_certificate_file, bundlePem(authority.trustBundle));
      return JSON.stringify({
        xds_servers: [{ server_uri: ads, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
        node: {
          id: `sidecar~${ip}~${name}-1.default~default.svc.cluster.local`,
          metadata: { GENERATOR: "grpc", NAMESPACE: "default", SERVICE_ACCOUNT: name },
        },
        server_listener_resource_name_template: "xds.istio.io/grpc/lds/inbound/%s",
        certificate_providers: {
          default: { plugin_name: "file_watcher", config: { ...files, refresh_interval: "600s" } },
        },
      });
    };
    const program = async (name: string, ip: string, ...args: string[]) => {
      const GRPC_XDS_BOOTSTRAP_CONFIG = await bootstrapOf(name, ip);
      const started = stack.use(startPython(packages, PROGRAM, args, { GRPC_XDS_BOOTSTRAP_CONFIG }));
      expect(await started.next()).toBe("started");
      return started;
    };
    await program("shop", SERVER, "server", `${SERVER}:50051`);
    const client = await program("page", "127.0.66.3", "client", "xds:///shop.default:9000");
    const asking = (answer: string, line = "") =>
      expect.poll(() => client.next(line), { timeout: 15_000, interval: 100 }).toBe(answer);
    await asking("python");
    await asking("python", "who=stranger");

    store.set({ "deny.yaml": deny });
    await asking("PERMISSION_DENIED", "who=stranger");
    await asking("python", "who=friend");
    store.set({ "deny.yaml": undefined });
    await asking("python", "who=stranger");

    store.set({ "mutual.yaml": mutual(false) });
    await asking("UNAVAILABLE");
    store.set({ "mutual.yaml": mutual(true) });
    await asking("python");
    expect(nacks).toEqual([]);
  });
});
