import { createCsr, memoryKeyManager, newPrivateKey, selfSignedAuthority } from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";
import { expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const NODE = JSON.stringify({ id: "router~10.0.0.9~edge-1.shop~shop.svc.cluster.local" });
const GATEWAY = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: ["*"], tls: { mode: SIMPLE, credentialName: web } }]
`;
const EXTENSION = `apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: { name: script, namespace: shop }
spec: { lua: { inlineCode: "function envoy_on_request(handle) end" } }
`;

const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (chain: string, key: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: web, namespace: shop }\ntype: kubernetes.io/tls\ndata:\n  tls.crt: ${base64(chain)}\n  tls.key: ${base64(key)}\n`;

async function issue() {
  await using authority = await selfSignedAuthority({ trustDomain: "web.example", keys: memoryKeyManager() });
  const identity = workloadSpiffeId("web.example", "web", "server");
  const key = newPrivateKey("ec-p256");
  const { certificateChain } = await authority.issue({ csr: createCsr({ key, identity }), identity });
  return { chain: certificateChain.join(""), key: String(key.export({ type: "pkcs8", format: "pem" })) };
}

const run = async (secrets: string, ...more: string[]) => {
  await using folder = await folderOf({
    "mesh/a.yaml": GATEWAY,
    "mesh/b.yaml": secrets,
    "mesh/c.yaml": EXTENSION,
    "node.json": NODE,
  });
  const { code, out, err } = await fairlead("xds", "-f", folder.at("mesh"), "--node", folder.at("node.json"), ...more);
  return { code, out, text: out + err };
};

it("secrets are printed with their certificates and without private keys; extensions as they are", async () => {
  const { chain, key } = await issue();
  const { code, out, text } = await run(secret(chain, key), "-o", "json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    secrets: [
      {
        name: "kubernetes://web",
        tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: "[redacted]" } },
      },
    ],
    extensions: [{ name: "extensions.istio.io/trafficextension/shop.script" }],
  });
  expect(text).not.toContain(key.split("\n")[1]);
});

it.each([
  ["does not fit", (key: string) => key, "tls.key is not the key"],
  ["does not end", (key: string) => `${key.slice(0, -30)}`, "tls.key is no private key"],
])("a key that %s is said, and no line of a Secret is shown", async (_, change, message) => {
  const [one, other] = await Promise.all([issue(), issue()]);
  const { code, text } = await run(secret(one.chain, change(other.key)));
  expect(code).toBe(1);
  expect(text).toContain(message);
  for (const hidden of [other.key.split("\n")[1] ?? "", base64(other.key).slice(0, 60)])
    expect(text).not.toContain(hidden);
});

it("a Secret that is no YAML is said without its lines", async () => {
  const { key } = await issue();
  const { code, text } = await run(`kind: Secret\ndata:\n  tls.key: ${base64(key)}\n  tls.key: ${base64(key)}: x\n`);
  expect(code).toBe(1);
  expect(text).not.toContain(base64(key).slice(0, 60));
});
