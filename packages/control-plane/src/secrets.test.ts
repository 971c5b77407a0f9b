import { createCsr, memoryKeyManager, newPrivateKey, selfSignedAuthority } from "@fairlead/ca";
import { defaultMeshConfig, textStore } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { formatDiagnostic, parseNode, workloadSpiffeId } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { secretNamesOf } from "@fairlead/xds/translate";
import { describe, expect, it } from "vitest";
import { createControlPlane } from "./control-plane.ts";
import { secretGrants } from "./reference-grants.ts";
import { SecretSets, secretResources } from "./secrets.ts";

const SDS = RESOURCE_TYPES.find(({ shortName }) => shortName === "SDS")?.typeUrl ?? "";

async function issue() {
  await using authority = await selfSignedAuthority({ trustDomain: "web.example", keys: memoryKeyManager() });
  const identity = workloadSpiffeId("web.example", "web", "server");
  const key = newPrivateKey("ec-p256");
  const { certificateChain, roots } = await authority.issue({ csr: createCsr({ key, identity }), identity });
  const text = String(key.export({ type: "pkcs8", format: "pem" }));
  return { chain: certificateChain.join(""), key: text, roots: roots.join("") };
}

const [one, other] = await Promise.all([issue(), issue()]);
const indented = (text: string) => text.trimEnd().replaceAll("\n", "\n    ");
const secret = (name: string, data: Readonly<Record<string, string>>, more = "") =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: shop }\n${more}stringData:\n${Object.entries(
    data,
  )
    .map(([key, text]) => `  ${key}: |-\n    ${indented(text)}\n`)
    .join("")}`;
const configMap = (name: string, roots: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: trust }\ndata:\n  ca.crt: |\n    ${indented(roots)}\n`;

function read(...texts: string[]) {
  const store = textStore({ "secrets.yaml": texts.join("---\n") });
  return { store, credentials: manifestCredentials(store.documents, { now: () => Date.now() }) };
}

const names = (resources: readonly { readonly name: string }[]) => resources.map(({ name }) => name);

describe("secrets by name", () => {
  const { credentials } = read(
    secret("tls", { "tls.crt": one.chain, "tls.key": one.key, "ca.crt": one.roots }, "type: kubernetes.io/tls\n"),
    secret("generic", { cert: one.chain, key: one.key }),
    secret("generic-cacert", { cacert: other.roots }),
    secret("password", { key: "hunter2" }),
    configMap("company", one.roots),
  );
  const of = (namespace: string, ...wanted: string[]) => names(secretResources({ credentials }, namespace, wanted));

  it.each([
    ["kubernetes://tls", true],
    ["kubernetes://tls-cacert", true],
    ["kubernetes://shop/tls", true],
    ["kubernetes://generic", true],
    ["kubernetes://generic-cacert", true],
    ["configmap://trust/company", true],
    ["configmap://trust/company-cacert", true],
    ["configmap://company", false],
    ["kubernetes://password", false],
    ["kubernetes://trust/tls", false],
    ["kubernetes://missing", false],
    ["kubernetes://a/shop/tls", false],
    ["file://tls", false],
    ["default", false],
  ])("%s: %s", (name, there) => {
    expect(of("shop", name)).toEqual(there ? [name] : []);
    expect(credentials.diagnostics()).toEqual([]);
  });

  it("gives nothing of another namespace but roots", () => {
    expect(of("other", "kubernetes://tls", "kubernetes://shop/tls", "configmap://trust/company")).toEqual([
      "configmap://trust/company",
    ]);
  });

  describe("of another namespace, where a ReferenceGrant says so", () => {
    const NAME = "kubernetes-gateway://shop/tls";
    const grant = (from: string, to: string, namespace = "shop") =>
      `apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: { name: g, namespace: ${namespace} }\nspec: { from: [${from}], to: [${to}] }\n`;
    const FROM = "{ group: gateway.networking.k8s.io, kind: Gateway, namespace: gateways }";
    const granted = (text: string, name = NAME) => {
      const { store } = read(text);
      return names(secretResources({ credentials, grants: secretGrants(store.documents) }, "gateways", [name]));
    };

    it.each([
      ["all Secrets", grant(FROM, '{ group: "", kind: Secret }'), true],
      ["this one", grant(FROM, '{ group: "", kind: Secret, name: tls }'), true],
      ["the core group unsaid, which the CRD requires", grant(FROM, "{ kind: Secret }"), false],
      ["another one", grant(FROM, '{ group: "", kind: Secret, name: generic }'), false],
      ["another kind", grant(FROM, '{ group: "", kind: Service }'), false],
      ["another group", grant(FROM, "{ group: example.com, kind: Secret }"), false],
      ["of another namespace", grant(FROM, '{ group: "", kind: Secret }', "elsewhere"), false],
      ["to another namespace", grant(FROM.replace("gateways", "other"), '{ group: "", kind: Secret }'), false],
      ["to another kind", grant(FROM.replace("Gateway", "HTTPRoute"), '{ group: "", kind: Secret }'), false],
      ["nothing", grant("", ""), false],
    ])("%s: %s", (_, text, there) => {
      expect(granted(text)).toEqual(there ? [NAME] : []);
      // Only Gateways are granted anything.
      expect(granted(text, "kubernetes://shop/tls")).toEqual([]);
    });

    it("the roots in it count as it", () => {
      expect(granted(grant(FROM, '{ group: "", kind: Secret, name: tls }'), `${NAME}-cacert`)).toEqual([
        `${NAME}-cacert`,
      ]);
    });

    it("needs none in its own", () => {
      expect(of("shop", NAME)).toEqual([NAME]);
      expect(of("gateways", NAME)).toEqual([]);
      expect(of("shop", "kubernetes-gateway://tls")).toEqual([]);
    });
  });

  it("shows a chain and no key to people", () => {
    const [shown] = secretResources({ credentials }, "shop", ["kubernetes://tls"], true);
    expect(shown?.resource).toEqual({
      name: "kubernetes://tls",
      tlsCertificate: {
        certificateChain: { inlineString: one.chain.trimEnd() },
        privateKey: { inlineString: "[redacted]" },
      },
    });
  });
});

describe("credentials that are wrong", () => {
  const tls = (certificate: string, key: string) =>
    secret("tls", { "tls.crt": certificate, "tls.key": key }, "type: kubernetes.io/tls\n");

  it.each([
    ["another's key", tls(one.chain, other.key), "tls.key is not the key of the first certificate of tls.crt"],
    ["no key", tls(one.chain, "hunter2"), "tls.key is no private key that can be read as PEM"],
    ["no certificate", tls("hunter2", one.key), "tls.crt has no certificates that can be read as PEM"],
    ["no roots", secret("tls", { cacert: "hunter2" }), "cacert has no certificates that can be read as PEM"],
    [
      "no revocations",
      secret("tls", { cacert: one.roots, crl: "hunter2" }),
      "crl has no revocation list that can be read as PEM",
    ],
    [
      "missing",
      secret("tls", { password: "hunter2" }, "type: kubernetes.io/tls\n"),
      "a Secret of type kubernetes.io/tls needs tls.crt and tls.key",
    ],
  ])("%s is said without the content, and the last good stays", (_, text, message) => {
    const { store, credentials } = read(tls(one.chain, one.key));
    store.set({ "secrets.yaml": text });
    const [said, ...more] = credentials.diagnostics().map(formatDiagnostic);
    expect(more).toEqual([]);
    expect(said).toContain(`error Secret shop/tls data: ${message}`);
    expect(said).not.toContain("hunter2");
    expect(said).not.toContain(other.key.split("\n")[1]);
    expect(credentials.get("Secret/shop/tls")?.keyPair?.privateKey).toBe(one.key.trimEnd());
    store.set({ "secrets.yaml": undefined });
    expect([...credentials.keys()]).toEqual([]);
    expect(credentials.diagnostics()).toEqual([]);
  });

  it("a certificate that has ended is said, and served all the same", () => {
    const store = textStore({ "secrets.yaml": tls(one.chain, one.key) });
    const later = manifestCredentials(store.documents, { now: () => Date.now() + 1e13 });
    expect(later.diagnostics().map(({ code, severity }) => [code, severity])).toEqual([
      ["certificate-validity", "warning"],
    ]);
    expect(later.get("Secret/shop/tls")?.keyPair).toBeDefined();
  });
});

describe("who may have which secret", () => {
  const store = textStore({
    "mesh.yaml": `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: 443, name: https, protocol: HTTPS }, hosts: ["*"], tls: { mode: MUTUAL, credentialName: web, caCertCredentialName: clients } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: selecting, namespace: shop }
spec:
  host: bank.example
  workloadSelector: { matchLabels: { app: page } }
  subsets: [{ name: v1, trafficPolicy: { tls: { mode: MUTUAL, credentialName: bank } } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: for-all, namespace: shop }
spec:
  host: post.example
  trafficPolicy: { portLevelSettings: [{ port: { number: 443 }, tls: { mode: SIMPLE, credentialName: post } }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: roots, namespace: other }
spec: { host: web.example, trafficPolicy: { tls: { mode: SIMPLE, credentialName: "configmap://other/company" } } }
`,
  });
  const mesh = Mesh.of({ meshConfig: defaultMeshConfig(), config: store.values() });
  const namesOf = (type: string, app: string, namespace = "shop") => {
    const { node } = parseNode({ id: `${type}~10.0.0.9~one.${namespace}~x`, metadata: { LABELS: { app } } });
    return node ? [...secretNamesOf(mesh, node)].sort() : undefined;
  };
  const roots = ["configmap://other/company", "configmap://other/company-cacert"];
  const pair = (name: string) => [`kubernetes://${name}`, `kubernetes://${name}-cacert`];

  it("a gateway: what Gateways that select it and DestinationRules name", () => {
    const rules = [...pair("bank"), ...pair("post")];
    expect(namesOf("router", "gateway")).toEqual([...roots, ...rules, ...pair("web"), "kubernetes://clients"].sort());
    expect(namesOf("router", "another")).toEqual([...roots, ...rules].sort());
  });

  it("a sidecar: what DestinationRules of its namespace name that select it", () => {
    expect(namesOf("sidecar", "page")).toEqual([...roots, ...pair("bank")].sort());
    expect(namesOf("sidecar", "gateway")).toEqual(roots);
    expect(namesOf("sidecar", "page", "other")).toEqual(roots);
  });
});

it("an equal set stays one object when credentials change elsewhere", () => {
  const { store, credentials } = read(secret("tls", { cert: one.chain, key: one.key }));
  const sets = new SecretSets({ credentials });
  const wanted = new Set(["kubernetes://tls"]);
  const before = sets.of({ namespace: "shop" }, wanted);
  expect([...before.resources.keys()]).toEqual(["kubernetes://tls"]);
  sets.clear();
  expect(sets.of({ namespace: "shop" }, wanted)).toBe(before);
  store.set({ "secrets.yaml": secret("tls", { cert: other.chain, key: other.key }) });
  sets.clear();
  expect(sets.of({ namespace: "shop" }, wanted)).not.toBe(before);
});

it.each([
  [undefined, []],
  [true, ["kubernetes://tls"]],
] as const)("over plaintext TCP secrets are given with insecure only: %s", async (insecure, expected) => {
  const store = textStore({
    "gateway.yaml": `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec: { servers: [{ port: { number: 443, name: https, protocol: HTTPS }, hosts: ["*"], tls: { mode: SIMPLE, credentialName: tls } }] }
`,
    "secrets.yaml": secret("tls", { cert: one.chain, key: one.key }),
  });
  await using plane = await createControlPlane({
    config: store,
    credentials: manifestCredentials(store.documents),
  });
  const { ads } = await plane.listen({ ads: "127.0.0.1:0", ...(insecure ? { insecure } : {}) });
  let removed = 0;
  using client = createDiscoveryClient({
    address: ads,
    node: { id: "router~10.0.0.9~one.shop~x" },
    subscriptions: { [SDS]: ["kubernetes://tls"] },
    onResources: () => {
      removed++;
    },
  });
  const end = Date.now() + 5000;
  while (removed === 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(removed).toBeGreaterThan(0);
  expect([...client.resources(SDS).keys()]).toEqual(expected);
});
