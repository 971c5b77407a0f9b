import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { withoutEffect } from "../src/gateway-api/without-effect.ts";
import {
  convertGatewayApi,
  fieldPaths,
  GATEWAY_API_KINDS,
  type GatewayApiKind,
  type GatewayApiWorld,
  validateGatewayApi,
} from "../src/index.ts";

type Json = Record<string, unknown>;

const documents = parseAllDocuments(readFileSync(new URL("gateway-api-fields.yaml", import.meta.url), "utf8")).map(
  (document) => document.toJS() as Json,
);

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

type Edit = (value: unknown) => unknown;
const remove: Edit = () => undefined;
const change: Edit = (value) =>
  typeof value === "string"
    ? `${value}x`
    : typeof value === "number"
      ? value + 1
      : typeof value === "boolean"
        ? !value
        : value;

/** A copy with the field edited wherever it stands. */
function edited(value: unknown, [field, ...rest]: readonly string[], edit: Edit): unknown {
  if (field === undefined) return edit(value);
  const [, name = "", form] = /^(.*?)(\[\]|\{\})?$/.exec(field) ?? [];
  if (typeof value !== "object" || value === null || !(name in value)) return value;
  const { [name]: found, ...others } = value as Json;
  const inside = (item: unknown) => edited(item, rest, edit);
  const all =
    form === "[]"
      ? (found as readonly unknown[]).map(inside).filter((item) => item !== undefined)
      : form === "{}"
        ? Object.fromEntries(Object.entries(found as Json).map(([key, item]) => [`${key}x`, item]))
        : inside(found);
  return all === undefined ? others : { ...others, [name]: all };
}

/** Fields that say nothing to a mesh. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  "GatewayClass description",
  "TCPRoute rules[].name",
  "TLSRoute rules[].name",
]);

const fields = (Object.keys(GATEWAY_API_KINDS) as GatewayApiKind[])
  .filter((kind) => kind !== "UDPRoute")
  .flatMap((kind) => fieldPaths(GATEWAY_API_KINDS[kind].schema).map((path) => [kind, path] as const));

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
