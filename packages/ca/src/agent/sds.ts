import { rm } from "node:fs/promises";
import type { Secret, SecretSource } from "@fairlead/model";
import type { EncodedResource, NodeResources, ResourceSet, ResourceSource } from "@fairlead/xds/server";
import { CaError } from "../error.ts";
import { SYSTEM_ROOTS, systemRoots } from "./system-roots.ts";
import { bindPrivately, socketPath } from "./unix-socket.ts";

export interface SdsListener {
  /** As given: `unix:/path`. */
  readonly address: string;
  /** Ends all streams and removes the socket. */
  close(): Promise<void>;
}

const SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
/**
 * Serves the secrets of these names, and what the host trusts as `file-root:system`, by SDS (StreamSecrets, DeltaSecrets, FetchSecrets) on a Unix socket that only this
 * user may open. Other names are told to `want`, if there is one, and served as soon as the source has them. The socket is safe: it is made in a private directory and moved into place, so there is no moment at which others could. A
 * socket that nobody serves any more is replaced; one in use, or a file, is an error.
 */
export async function listenSds(
  address: string,
  source: SecretSource,
  names: readonly string[],
  want?: (name: string) => void,
): Promise<SdsListener> {
  socketPath(address);
  const { createDiscoveryServer, encodeResource } = await import("@fairlead/xds/server").catch((cause: unknown) => {
    throw new CaError("OPTION_INVALID", "serving SDS needs the package @fairlead/xds", { cause });
  });
  const encode = (name: string, json: object) => encodeResource(SECRET_TYPE, name, json);
  const secrets = secretResources(source, names, encode, want);
  const server = createDiscoveryServer(secrets);
  const path = await bindPrivately(address, (first) => server.listen({ address: first })).catch(async (error) => {
    await server.close();
    throw error;
  });
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

/** The secrets as resources. All streams share one set; a secret is encoded anew only when it changed. */
function secretResources(
  source: SecretSource,
  names: readonly string[],
  encode: (name: string, json: object) => EncodedResource,
  want: ((name: string) => void) | undefined,
): ResourceSource {
  const served = new Set([...names, SYSTEM_ROOTS]);
  const encoded = new Map<string, { readonly secret: Secret; readonly resource: EncodedResource }>();
  const missing = (name: string) => {
    if (want === undefined || served.has(name) || served.size >= MAX_SECRETS) return;
    served.add(name);
    want(name);
  };
  let set: ResourceSet = { resources: new AskedSecrets([], missing) };
  const refresh = (): ResourceSet => {
    let same = true;
    for (const name of served) {
      const secret = source.get(name) ?? (name === SYSTEM_ROOTS ? systemRoots() : undefined);
      const held = encoded.get(name);
      if (secret === held?.secret || (secret && held && JSON.stringify(secret) === JSON.stringify(held.secret)))
        continue;
      same = false;
      if (secret) encoded.set(name, { secret, resource: encode(name, secretJson(name, secret)) });
      else encoded.delete(name);
    }
    if (!same)
      set = {
        resources: new AskedSecrets(
          [...encoded].map(([name, { resource }]) => [name, resource]),
          missing,
        ),
      };
    return set;
  };
  return {
    open(_node, _peer, changed): NodeResources {
      const unsubscribe = source.subscribe(changed);
      return { get: (typeUrl) => (typeUrl === SECRET_TYPE ? refresh() : undefined), close: unsubscribe };
    },
  };
}

/** Most names that are remembered. */
const MAX_SECRETS = 2000;

/** Secrets by name; what is asked for and not there is told. */
class AskedSecrets extends Map<string, EncodedResource> {
  readonly #missing: (name: string) => void;

  constructor(secrets: readonly (readonly [string, EncodedResource])[], missing: (name: string) => void) {
    super(secrets);
    this.#missing = missing;
  }

  override get(name: string): EncodedResource | undefined {
    const found = super.get(name);
    if (found === undefined) this.#missing(name);
    return found;
  }
}

/** `Secret` of Envoy's `tls.v3`, protobuf JSON. */
function secretJson(name: string, secret: Secret): object {
  const inline = (text: string) => ({ inlineBytes: Buffer.from(text).toString("base64") });
  if (secret.kind === "trust-bundle") {
    const crl = secret.revocationLists === undefined ? {} : { crl: inline(secret.revocationLists) };
    return { name, validationContext: { trustedCa: inline(secret.roots), ...crl } };
  }
  return {
    name,
    tlsCertificate: { certificateChain: inline(secret.certificateChain), privateKey: inline(secret.privateKey) },
  };
}
