import { CaError } from "../error.ts";
import { goodAnswer, type HttpsServer, httpsJson, type JsonAnswer, type JsonRequest } from "../https-json.ts";

/** Where a Vault (or an OpenBao) is, and who asks. */
export interface VaultOptions extends HttpsServer {
  /** A function is asked before each request. */
  readonly token: string | (() => string | Promise<string>);
  /** Vault's namespace (`X-Vault-Namespace`). Default: none. */
  readonly namespace?: string;
}

/** Calls of one secrets engine. */
export interface VaultEngine {
  /** For messages. */
  readonly name: string;
  /** Whatever comes. Rejects with REQUEST_FAILED where nothing does. */
  ask(method: string, path: string, request?: Pick<JsonRequest, "body" | "signal">): Promise<JsonAnswer>;
  /** The `data` of a good answer. Rejects with REQUEST_FAILED and what Vault says. */
  data(method: string, path: string, request?: Pick<JsonRequest, "body" | "signal">): Promise<JsonAnswer["json"]>;
}

/** The engine that is mounted at `mount`. Throws OPTION_INVALID. */
export function vaultEngine(options: VaultOptions, mount: string): VaultEngine {
  const { token, namespace } = options;
  if (!/^[\w-]+(\/[\w-]+)*$/.test(mount)) throw new CaError("OPTION_INVALID", `${JSON.stringify(mount)} is no mount`);
  const call = httpsJson(options);
  const name = `Vault at ${new URL(options.url).host}`;
  const ask: VaultEngine["ask"] = async (method, path, request) => {
    const headers = {
      "x-vault-token": typeof token === "function" ? await token() : token,
      ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
    };
    return call(method, `/v1/${mount}/${path}`, { ...request, headers });
  };
  return {
    name,
    ask,
    async data(method, path, request) {
      const { data } = goodAnswer(`${name}, ${mount}/${path},`, await ask(method, path, request));
      return (data ?? {}) as JsonAnswer["json"];
    },
  };
}
