import { expect, test } from "vitest";
import { withoutEffect } from "../src/gateway-api/without-effect.ts";
import { convertGatewayApi, type GatewayApiWorld, validateGatewayApi } from "../src/index.ts";
import { change, documents, type Edit, edited, fields, type Json, remove } from "./gateway-api-fields.ts";

const web = (namespace: string) => ({
  hostname: `web.${namespace}.svc.cluster.local`,
  namespace,
  labels: {},
  ports: [{ name: "http", number: 80 }],
  addresses: [],
  instances: new Map([[80, [80]]]),
});
const WORLD: GatewayApiWorld = {
  domainSuffix: "cluster.local",
  services: (hostname) => [web("shop"), web("other")].filter((service) => service.hostname === hostname),
  serviceEntry: () => undefined,
  namespaces: new Map([
    ["shop", { team: "shop" }],
    ["infra", {}],
    ["other", { team: "shop" }],
  ]),
  secret: () => "unknown",
  configMap: (_, name) => (name === "roots" ? "unknown" : undefined),
};

/** All that anybody is told or given of the documents. */
function told(given: readonly Json[]): string {
  const objects = given.flatMap((document) => validateGatewayApi(document)?.object ?? []);
  const { objects: made, statuses } = convertGatewayApi(objects, WORLD);
  return JSON.stringify([made, statuses.map(({ status }) => status), objects.flatMap(withoutEffect)]);
}

/** Fields that say nothing to a mesh. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  "GatewayClass description",
  "TCPRoute rules[].name",
  "TLSRoute rules[].name",
]);

/** What is refused or reported as a whole; its parts do not matter then. */
const WHOLES: readonly RegExp[] = [
  /filters\[\]\.(externalAuth|extensionRef)\./,
  /backendRefs\[\]\.filters\[\]\.(requestMirror|requestRedirect|urlRewrite|cors)\./,
  /^(rules\[\]\.)?sessionPersistence\./,
  /^tls\.backend\.clientCertificateRef\.(?!name)/,
  /^tls\.clientCertificateRef\./,
  /^parametersRef\./,
  /^infrastructure\.(labels|annotations)/,
];

/** No field of the Gateway API is taken and ignored: each changes what is made, a status, or what is said to have no effect. */
test.each(fields)("%s %s", (kind, path) => {
  if (WHOLES.some((whole) => whole.test(path))) return;
  const after = (edit: Edit) =>
    documents.map((document) =>
      document.kind === kind ? { ...document, spec: edited(document.spec, path.split("."), edit) } : document,
    );
  expect(JSON.stringify(after(remove)), "no document shows it").not.toBe(JSON.stringify(documents));
  const noticed = [remove, change].some((edit) => told(after(edit)) !== told(documents));
  expect(noticed).toBe(!FOR_PEOPLE.has(`${kind} ${path}`));
});
