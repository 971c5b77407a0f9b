import { lookup as dnsLookup } from "node:dns";
import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { rootCertificates } from "node:tls";

export interface FetchOptions {
  /** For the whole answer, redirects included. Milliseconds. */
  readonly timeout: number;
  /** Whether an address must not be connected to. */
  readonly blocked: (address: string) => boolean;
  /** Roots for HTTPS besides Node's own, PEM. */
  readonly roots?: string;
}

/** Longest body, in bytes. */
const MAX_BODY = 1 << 20;
const MAX_REDIRECTS = 3;

/**
 * The body of a URL that a user chose. Every address is judged after its name is resolved and is the one that is connected
 * to, so that neither a name nor a redirect leads to where nobody may ask. No credentials, no proxy from the environment.
 * Rejects with what is wrong.
 */
export async function fetchText(url: string, options: FetchOptions): Promise<string> {
  const signal = AbortSignal.timeout(options.timeout);
  let target: string = url;
  for (let redirects = 0; ; redirects++) {
    const parsed: URL | null = URL.parse(target);
    if (!parsed || (parsed.protocol !== "http:" && parsed.protocol !== "https:"))
      throw new Error(`${JSON.stringify(target)} is not an HTTP URL`);
    const response = await ask(parsed, options, signal).catch((error: unknown) => {
      throw new Error(signal.aborted ? `no answer within ${options.timeout} ms` : (error as Error).message);
    });
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.destroy();
      const next = URL.parse(headers.location, parsed.href);
      if (redirects === MAX_REDIRECTS) throw new Error("too many redirects");
      if (next?.protocol === "http:" && parsed.protocol === "https:") throw new Error("a redirect leaves HTTPS");
      target = next?.href ?? headers.location;
      continue;
    }
    if (statusCode < 200 || statusCode >= 300) {
      response.destroy();
      throw new Error(`status ${statusCode}`);
    }
    return bodyOf(response).catch((error: unknown) => {
      throw new Error(signal.aborted ? `no answer within ${options.timeout} ms` : (error as Error).message);
    });
  }
}

function ask(url: URL, { blocked, roots }: FetchOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // An address is not looked up.
  if (isIP(host) > 0 && blocked(host)) return Promise.reject(new Error(`address ${host} is blocked`));
  const lookup: LookupFunction = (name, options, done) =>
    dnsLookup(name, { ...options, all: true }, (error, found) => {
      const addresses = error ? [] : found;
      const refused = addresses.find(({ address }) => blocked(address));
      const [first] = addresses;
      if (error) done(error, "");
      else if (refused || !first) done(new Error(`${name} has the blocked address ${refused?.address}`), "");
      else if (options.all) done(null, addresses);
      else done(null, first.address, first.family);
    });
  const common = { lookup, signal, agent: false as const, headers: { accept: "application/json" } };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === "https:"
        ? getHttps(
            url,
            { ...common, minVersion: "TLSv1.2", ...(roots === undefined ? {} : { ca: [...rootCertificates, roots] }) },
            resolve,
          )
        : getHttp(url, common, resolve);
    request.on("error", reject);
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Error(`more than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}
