import type { EncodedResource } from "../encoded-resource.ts";
import type { ResourceType } from "../resource-type.ts";
import { type Difference, hasNoBytes, versionOf } from "./view.ts";

/** A response in its final bytes, shared by every stream that is sent the same. */
export interface Response {
  readonly nonce: string;
  readonly bytes: Buffer;
  /** How many resources it holds. */
  readonly resources: number;
}

/** What one stream is to be told. */
export interface Answer {
  readonly type: ResourceType;
  readonly difference: Difference;
  /** Names to answer though their version is the same. */
  readonly resend: ReadonlySet<string>;
}

/** Resources of an answer: what changed, and what is answered again. */
export function upsertsOf({ difference, resend }: Answer): readonly EncodedResource[] {
  if (resend.size === 0) return difference.upserts;
  const names = new Set(difference.upserts.map(({ name }) => name));
  const again = [...resend].flatMap((name) => {
    const resource = names.has(name) ? undefined : difference.to.entries.get(name);
    // Of what is on its way out only the version may be known.
    return resource && !hasNoBytes(resource) ? [resource] : [];
  });
  return [...difference.upserts, ...again];
}

/** Names to answer again that an answer cannot answer yet. */
export function stillToResend({ difference, resend }: Answer): ReadonlySet<string> {
  const left = [...resend].filter((name) => {
    const resource = difference.to.entries.get(name);
    return resource && hasNoBytes(resource);
  });
  return left.length === 0 ? NO_NAMES : new Set(left);
}

/** Names that an answer takes away. */
export function removalsOf({ difference, resend }: Answer): readonly string[] {
  if (resend.size === 0) return difference.removed;
  const again = [...resend].filter((name) => difference.to.absent.has(name) && !difference.removed.includes(name));
  return [...difference.removed, ...again];
}

const NO_NAMES: ReadonlySet<string> = new Set();

export interface ResponseWriter {
  /** `fresh`: not shared, for a stream that still waits for the answer to a response with the same nonce. */
  respond(mode: "sotw" | "delta", answer: Answer, fresh?: boolean): Response;
  /** Bytes kept for the next stream that needs the same response. */
  readonly cachedBytes: number;
}

/**
 * Puts responses together from the bytes of resources. Equal ones (same views, same names again) are made once and kept, up to
 * `cacheBytes`; the nonce belongs to the response, not to the stream, which has one response of a type unanswered at a time.
 */
export function createResponseWriter(identifier: string, cacheBytes: number): ResponseWriter {
  const controlPlane = encodeField(1, identifier);
  const shared = { sotw: new WeakMap<object, Slots>(), delta: new WeakMap<object, Slots>() };
  const kept: { readonly size: number; readonly drop: () => void }[] = [];
  let cached = 0;
  let count = 0;

  const make = (mode: "sotw" | "delta", answer: Answer): Response => {
    count++;
    const nonce = count.toString(36);
    return mode === "sotw" ? sotwResponse(answer, nonce, controlPlane) : deltaResponse(answer, nonce, controlPlane);
  };

  return {
    respond(mode, answer, fresh = false) {
      if (fresh) return make(mode, answer);
      // A full-state response depends on where the client is to get to only.
      const full = mode === "sotw" && answer.type.fullState;
      const key = full ? answer.difference.to : answer.difference;
      let slots = shared[mode].get(key);
      if (!slots) {
        slots = [];
        shared[mode].set(key, slots);
      }
      const found = slots.find(
        ({ typeUrl, resend }) => typeUrl === answer.type.typeUrl && (full || resend === answer.resend),
      );
      if (found) return found.response;
      const response = make(mode, answer);
      const slot = { typeUrl: answer.type.typeUrl, resend: answer.resend, response };
      slots.push(slot);
      const list = slots;
      kept.push({ size: response.bytes.length, drop: () => void list.splice(list.indexOf(slot), 1) });
      cached += response.bytes.length;
      while (cached > cacheBytes && kept.length > 1) {
        const oldest = kept.shift();
        oldest?.drop();
        cached -= oldest?.size ?? 0;
      }
      return response;
    },
    get cachedBytes() {
      return cached;
    },
  };
}

type Slots = { readonly typeUrl: string; readonly resend: ReadonlySet<string>; readonly response: Response }[];

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

function fieldSize(length: number): number {
  return 1 + varintSize(length) + length;
}

/** A length-delimited field in bytes of its own. */
function encodeField(number: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  if (bytes.length === 0) return Buffer.alloc(0);
  const out = Buffer.allocUnsafe(fieldSize(bytes.length));
  copy(out, putHead(out, 0, number, bytes.length), bytes);
  return out;
}

function putHead(out: Buffer, position: number, number: number, length: number): number {
  let at = position;
  out[at++] = (number << 3) | 2;
  let rest = length;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

function copy(out: Buffer, position: number, bytes: Uint8Array): number {
  out.set(bytes, position);
  return position + bytes.length;
}

/** The size of `Any { type_url, value }`; an empty value is not written. */
function anySize(typeUrl: Uint8Array, resource: EncodedResource): number {
  return typeUrl.length + (resource.bytes.length > 0 ? fieldSize(resource.bytes.length) : 0);
}

function putAny(out: Buffer, position: number, typeUrl: Uint8Array, { bytes }: EncodedResource): number {
  const at = copy(out, position, typeUrl);
  return bytes.length > 0 ? copy(out, putHead(out, at, 2, bytes.length), bytes) : at;
}

function sotwResponse(answer: Answer, nonce: string, controlPlane: Buffer): Response {
  const { type, difference } = answer;
  const resources = type.fullState ? [...difference.to.entries.values()] : upsertsOf(answer);
  const anyTypeUrl = encodeField(1, type.anyUrl);
  const head = encodeField(1, versionOf(difference.to));
  const tail = Buffer.concat([encodeField(4, type.typeUrl), encodeField(5, nonce), encodeField(6, controlPlane)]);
  let size = head.length + tail.length;
  for (const resource of resources) size += fieldSize(anySize(anyTypeUrl, resource));
  const out = Buffer.allocUnsafeSlow(size);
  let at = copy(out, 0, head);
  for (const resource of resources) {
    at = putHead(out, at, 2, anySize(anyTypeUrl, resource));
    at = putAny(out, at, anyTypeUrl, resource);
  }
  copy(out, at, tail);
  return { nonce, bytes: out, resources: resources.length };
}

function deltaResponse(answer: Answer, nonce: string, controlPlane: Buffer): Response {
  const { type } = answer;
  const resources = upsertsOf(answer);
  const anyTypeUrl = encodeField(1, type.anyUrl);
  const removals = removalsOf(answer).map((name) => encodeField(6, name));
  const tail = Buffer.concat([
    encodeField(4, type.typeUrl),
    encodeField(5, nonce),
    ...removals,
    encodeField(7, controlPlane),
  ]);
  // Resource { version = 1, resource = 2, name = 3 }
  const heads = resources.map(({ name, version }) => Buffer.concat([encodeField(1, version), encodeField(3, name)]));
  let size = tail.length;
  const sizes = resources.map((resource, index) => {
    const inner = (heads[index]?.length ?? 0) + fieldSize(anySize(anyTypeUrl, resource));
    size += fieldSize(inner);
    return inner;
  });
  const out = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [index, resource] of resources.entries()) {
    at = putHead(out, at, 2, sizes[index] ?? 0);
    at = copy(out, at, heads[index] ?? Buffer.alloc(0));
    at = putHead(out, at, 2, anySize(anyTypeUrl, resource));
    at = putAny(out, at, anyTypeUrl, resource);
  }
  copy(out, at, tail);
  return { nonce, bytes: out, resources: resources.length };
}
