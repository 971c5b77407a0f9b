import { chmod, lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import type { Secret, SecretSource } from "@fairlead/model";
import type { EncodedResource, NodeResources, ResourceSet, ResourceSource } from "@fairlead/xds/server";
import { CaError } from "../error.ts";

export interface SdsListener {
  /** As given: `unix:/path`. */
  readonly address: string;
  /** Ends all streams and removes the socket. */
  close(): Promise<void>;
}

const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
/** Longest path of a socket on Linux, without the last zero (unix(7)). */
const MAX_PATH = 107;

/**
 * Serves the secrets of these names by SDS (StreamSecrets, DeltaSecrets, FetchSecrets) on a Unix socket that only this
 * user may open: it is made in a private directory and moved into place, so there is no moment at which others could. A
 * socket that nobody serves any more is replaced; one in use, or a file, is an error.
 */
export async function listenSds(address: string, source: SecretSource, names: readonly string[]): Promise<SdsListener> {
  if (!address.startsWith("unix:/"))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(address)} is not unix:/PATH; keys go over no network`);
  const path = address.slice("unix:".length);
  const { createDiscoveryServer, encodeResource } = await import("@fairlead/xds/server").catch((cause: unknown) => {
    throw new CaError("OPTION_INVALID", "serving SDS needs the package @fairlead/xds", { cause });
  });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await mustBeFree(path);
  const secrets = secretResources(source, names, (name, json) => encodeResource(SECRET_TYPE, name, json));
  const server = createDiscoveryServer(secrets);
  const room = await mkdtemp(join(dirname(path), ".s-"));
  try {
    const first = join(room, "s");
    if (Buffer.byteLength(first) > MAX_PATH)
      throw new CaError("OPTION_INVALID", `${path} is too long for the path of a socket`);
    await server.listen({ address: `unix:${first}` });
    await chmod(first, 0o600);
    await rename(first, path);
  } catch (error) {
    await server.close();
    throw error instanceof CaError
      ? error
      : new CaError("STORE_FAILED", `cannot listen on ${address}: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(room, { recursive: true, force: true });
  }
  let closed = false;
  return {
    address,
    async close() {
      if (closed) return;
      closed = true;
      await rm(path, { force: true });
      await server.close();
    },
  };
}

async function mustBeFree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new CaError("OPTION_INVALID", `${path} exists and is not a socket`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (alive) throw new CaError("OPTION_INVALID", `${path} is served by another process`);
}

/** The secrets as resources. All streams share one set; a secret is encoded anew only when it changed. */
function secretResources(
  source: SecretSource,
  names: readonly string[],
  encode: (name: string, json: object) => EncodedResource,
): ResourceSource {
  const encoded = new Map<string, { readonly secret: Secret; readonly resource: EncodedResource }>();
  let set: ResourceSet = { resources: new Map() };
  const refresh = (): ResourceSet => {
    let same = true;
    for (const name of names) {
      const secret = source.get(name);
      const held = encoded.get(name);
      if (secret === held?.secret || (secret && held && JSON.stringify(secret) === JSON.stringify(held.secret)))
        continue;
      same = false;
      if (secret) encoded.set(name, { secret, resource: encode(name, secretJson(name, secret)) });
      else encoded.delete(name);
    }
    if (!same) set = { resources: new Map([...encoded].map(([name, { resource }]) => [name, resource])) };
    return set;
  };
  return {
    open(_node, _peer, changed): NodeResources {
      const unsubscribe = source.subscribe(changed);
      return { get: (typeUrl) => (typeUrl === SECRET_TYPE ? refresh() : undefined), close: unsubscribe };
    },
  };
}

/** `Secret` of Envoy's `tls.v3`, protobuf JSON. */
function secretJson(name: string, secret: Secret): object {
  const inline = (text: string) => ({ inlineBytes: Buffer.from(text).toString("base64") });
  if (secret.kind === "trust-bundle") return { name, validationContext: { trustedCa: inline(secret.roots) } };
  return {
    name,
    tlsCertificate: { certificateChain: inline(secret.certificateChain), privateKey: inline(secret.privateKey) },
  };
}
