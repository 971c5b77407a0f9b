import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { expect, it } from "vitest";
import { startGatewayEnvoy } from "../support/gateway-envoy.ts";

const GATEWAY = "127.0.76.2";
const run = promisify(execFile);

/** A server's certificate of an authority made by OpenSSL, and what that says of it by OCSP. */
async function certificateWithStaple(home: string): Promise<Record<"chain" | "key" | "staple", Buffer>> {
  const openssl = (...words: string[]) => run("openssl", words, { cwd: home });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", "/CN=root");
  const name = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example"];
  await openssl("req", ...key, "-keyout", "leaf.key", "-out", "leaf.csr", ...name);
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-days", "20", "-set_serial", "0x1234"];
  await openssl("x509", "-req", "-in", "leaf.csr", ...sign, "-copy_extensions", "copy", "-out", "leaf.crt");
  await writeFile(join(home, "index.txt"), "V\t400101000000Z\t\t1234\tunknown\t/CN=shop.example\n");
  await openssl("ocsp", "-issuer", "ca.crt", "-cert", "leaf.crt", "-reqout", "req.der", "-no_nonce");
  const responder = ["-index", "index.txt", "-rsigner", "ca.crt", "-rkey", "ca.key", "-CA", "ca.crt"];
  await openssl("ocsp", ...responder, "-reqin", "req.der", "-respout", "staple.der", "-ndays", "2");
  const read = (file: string) => readFile(join(home, file));
  return { chain: await read("leaf.crt"), key: await read("leaf.key"), staple: await read("staple.der") };
}

it("a gateway staples the OCSP response that is in the Secret to its handshakes", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "ocsp-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const { chain, key, staple } = await certificateWithStaple(home);
  const store = textStore({
    "mesh.yaml": `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec:
  selector: { app: gateway }
  servers:
    - port: { number: 9443, name: https, protocol: HTTPS }
      bind: ${GATEWAY}
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: shop-tls }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec: { hosts: ["*"], gateways: [shop], http: [{ directResponse: { status: 204 } }] }
---
apiVersion: v1
kind: Secret
metadata: { name: shop-tls, namespace: default }
type: kubernetes.io/tls
data:
  tls.crt: ${chain.toString("base64")}
  tls.key: ${key.toString("base64")}
  tls.ocsp-staple: ${staple.toString("base64")}
`,
  });
  const credentials = manifestCredentials(store.documents);
  const plane = stack.use(await createControlPlane({ config: store, credentials }));
  const { ads } = await plane.listen({ ads: "127.0.76.1:15010", insecure: true });
  await startGatewayEnvoy(stack, GATEWAY, ads);
  await plane.converged();
  const dial = `openssl s_client -connect ${GATEWAY}:9443 -servername shop.example -CAfile ${join(home, "ca.crt")} -status </dev/null`;
  const { stdout } = await run("sh", ["-c", dial]);
  expect(stdout).toContain("Verification: OK");
  expect(stdout).toContain("OCSP Response Status: successful");
  expect(stdout).toContain("Cert Status: good");
});
