import {
  type ConfigObject,
  formatDuration,
  KINDS,
  type KindDefinition,
  type KindName,
  kindOf,
  parseDuration,
} from "@fairlead/config";
import { contentHash, type EncodedResource, resourceFromBytes } from "../encoded-resource.ts";
import { decode, encode } from "../proto/codec.ts";
import { isKnownMessage, messageTable } from "../proto/table.ts";
import { messageNameOf, typeUrlOf } from "../proto/type-url.ts";
import { XdsError } from "../xds-error.ts";

const ENVELOPE = "istio.mcp.v1alpha1.Resource";

/** The package of a group's messages, where it is not of the version in the type URL. */
const PACKAGES: Readonly<Record<string, string>> = {
  "networking.istio.io": "istio.networking.v1alpha3",
  "security.istio.io": "istio.security.v1beta1",
  "telemetry.istio.io": "istio.telemetry.v1alpha1",
  "extensions.istio.io": "istio.extensions.v1alpha1",
};

function messageOf(kind: KindName): string {
  return kind === "ProxyConfig" ? "istio.networking.v1beta1.ProxyConfig" : `${PACKAGES[KINDS[kind].group]}.${kind}`;
}

/**
 * The type URL under which istiod asks for a kind: `networking.istio.io/v1/VirtualService`. A source answers for every
 * served version of a kind.
 */
export function configTypeUrl(kind: KindName): string {
  const { group, versions }: KindDefinition = KINDS[kind];
  return `${group}/${versions.includes("v1") ? "v1" : versions[0]}/${kind}`;
}

/** The kind and API version of a type URL; undefined for anything that is no kind of configuration. */
export function kindOfTypeUrl(typeUrl: string): { readonly kind: KindName; readonly apiVersion: string } | undefined {
  const [, apiVersion = "", name = ""] = /^([^/]+\/[^/]+)\/([^/]+)$/.exec(typeUrl) ?? [];
  const kind = kindOf(apiVersion, name);
  return kind && { kind, apiVersion };
}

/**
 * A configuration object as Istio's MCP sends it: `istio.mcp.v1alpha1.Resource`, named `namespace/name`, its body the kind's
 * own message. The version is a content hash. Status, uid, generation and resource version stay behind. Throws `XdsError`
 * with the path for what protobuf cannot hold.
 */
export function encodeConfig(object: ConfigObject): EncodedResource {
  const { namespace, name, labels, annotations, creationTimestamp } = object.metadata;
  const message = messageOf(object.kind);
  const spec = mapValues(message, object.spec, inSeconds) as object;
  // An empty message is the same however it came about: `{}`, or `{ list: [] }`.
  const isEmpty = encode(message, spec).length === 0;
  const envelope = (version: string) => ({
    metadata: {
      name: `${namespace}/${name}`,
      ...(creationTimestamp !== undefined && { createTime: creationTimestamp }),
      version,
      labels,
      annotations,
    },
    body: { "@type": typeUrlOf(message), ...(isEmpty ? {} : spec) },
  });
  const version = contentHash(encode(ENVELOPE, envelope("")));
  const ref = { kind: object.kind, namespace, name };
  return resourceFromBytes(configTypeUrl(object.kind), `${namespace}/${name}`, encode(ENVELOPE, envelope(version)), [
    ref,
  ]);
}

/** Go's zero time, which Istio sends where there is none. */
const NO_TIME = "0001-01-01T00:00:00Z";

interface Envelope {
  readonly metadata?: {
    readonly name?: string;
    readonly createTime?: string;
    readonly version?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly body?: Readonly<Record<string, unknown>>;
}

/** The object in an envelope's bytes; not validated. Throws `XdsError` where it is none of the type URL's kind. */
export function decodeConfig(typeUrl: string, bytes: Uint8Array): ConfigObject {
  const asked = kindOfTypeUrl(typeUrl);
  if (!asked) throw new XdsError("unknown-type", `${typeUrl} is no kind of configuration`);
  const { metadata = {}, body } = decode(ENVELOPE, bytes) as Envelope;
  const [namespace = "", name = "", ...rest] = (metadata.name ?? "").split("/");
  if (name === "" || rest.length > 0)
    throw new XdsError("invalid-value", `expected NAMESPACE/NAME, found ${JSON.stringify(metadata.name ?? "")}`, {
      path: "metadata.name",
    });
  const { "@type": bodyType = "", ...spec } = body ?? {};
  if (messageNameOf(String(bodyType)) !== messageOf(asked.kind))
    throw new XdsError("invalid-value", `expected ${messageOf(asked.kind)}, found ${bodyType || "nothing"}`, {
      path: "body",
    });
  const { createTime, version, labels = {}, annotations = {} } = metadata;
  return {
    kind: asked.kind,
    apiVersion: asked.apiVersion,
    metadata: {
      name,
      namespace,
      labels,
      annotations,
      ...(createTime !== undefined && createTime !== NO_TIME && { creationTimestamp: createTime }),
      ...(version !== undefined && { resourceVersion: version }),
    },
    spec: mapValues(messageOf(asked.kind), spec, asNumbers),
  } as ConfigObject;
}

/** A CRD takes Go's durations (`1h30m`); protobuf JSON has seconds only. */
function inSeconds(type: string, value: unknown): unknown {
  if (type !== "google.protobuf.Duration" || typeof value !== "string") return value;
  const milliseconds = parseDuration(value);
  return milliseconds === undefined ? value : formatDuration(milliseconds);
}

/** Protobuf JSON writes 64-bit numbers as text; a CRD takes numbers. */
function asNumbers(type: string, value: unknown): unknown {
  const long = /^u?int64$|^google\.protobuf\.U?Int64Value$/.test(type);
  return long && typeof value === "string" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** `json` with every value that is no message of Istio's put through `convert`, which is told its type. */
function mapValues(message: string, json: unknown, convert: (type: string, value: unknown) => unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const { byName } = messageTable(message);
  const isMessage = (type: string) => type.startsWith("istio.") && isKnownMessage(type);
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const field = byName.get(key);
      if (field === undefined) return [key, value];
      const one = (item: unknown) =>
        isMessage(field.type) ? mapValues(field.type, item, convert) : convert(field.type, item);
      if (field.repeated && Array.isArray(value)) return [key, value.map(one)];
      if (field.mapKey === undefined || typeof value !== "object" || value === null) return [key, one(value)];
      // A port may be written "0644".
      const keyOf = (entry: string) =>
        field.mapKey === "string" || !/^\d+$/.test(entry) ? entry : String(Number(entry));
      return [key, Object.fromEntries(Object.entries(value).map(([entry, item]) => [keyOf(entry), one(item)]))];
    }),
  );
}
