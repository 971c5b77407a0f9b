import type { IncomingMessage, ServerResponse } from "node:http";
import { request } from "node:https";
import { checkServerIdentity, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";
import { parseTrustDomain, type SpiffeId, type TrustDomain, type Unsubscribe } from "@fairlead/model";
import { bodyOf } from "../body.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import { createListeners } from "../listeners.ts";
import { bundlePem, type TrustBundle } from "./bundle.ts";
import { sameBytes } from "./path.ts";
import { marshalSpiffeBundle, parseSpiffeBundle } from "./spiffe-bundle.ts";
import { verifyX509Svid } from "./svid.ts";

/** A bundle endpoint (SPIFFE Federation, section 5) as handler of a node:https server: the present bundle, GET and HEAD only. */
export function bundleEndpoint(source: {
  readonly trustBundle: TrustBundle;
}): (request: IncomingMessage, response: ServerResponse) => void {
  return ({ method }, response) => {
    if (method !== "GET" && method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    const text = marshalSpiffeBundle(source.trustBundle);
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(method === "HEAD" ? undefined : text);
  };
}

export interface FollowBundleOptions {
  readonly trustDomain: string;
  /** `https:` only; redirects are not followed. */
  readonly url: string;
  /**
   * How the endpoint proves who it is. `https_web`: a certificate for the host of `url`, of the public authorities or of
   * `roots` (PEM). `https_spiffe`: an SVID with exactly this ID, verified by the bundle held so far, at first by `bundle`.
   */
  readonly profile:
    | { readonly type: "https_web"; readonly roots?: string }
    | { readonly type: "https_spiffe"; readonly id: SpiffeId; readonly bundle: TrustBundle };
  readonly onProblem?: (error: CaError) => void;
  /** Default 10000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** The bundle of a foreign trust domain, kept up to date. */
export interface FollowedBundle {
  /** The newest good one; undefined before the first. Looks that fail change nothing. */
  readonly bundle: TrustBundle | undefined;
  subscribe(listener: () => void): Unsubscribe;
  /** Looks now. Rejects with BUNDLE_INVALID or REQUEST_FAILED. */
  refresh(): Promise<void>;
  close(): void;
}

/** Bounds on the refresh hint of the other side, seconds. */
const MIN_REFRESH = 10;
const MAX_REFRESH = 86_400;
const MAX_BYTES = 4 * 1024 * 1024;

/** Follows a bundle endpoint at the pace it hints at. The caller closes it. Throws OPTION_INVALID. */
export function followBundle(options: FollowBundleOptions): FollowedBundle {
  const { profile, onProblem, clock = systemClock } = options;
  const trustDomain = parseTrustDomain(options.trustDomain);
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "")
    throw new CaError("OPTION_INVALID", `${JSON.stringify(options.url)} is not an https URL without user`);
  const listeners = createListeners();
  let bundle: TrustBundle | undefined =
    profile.type === "https_spiffe" && profile.bundle.trustDomain === trustDomain ? profile.bundle : undefined;
  let cancel: () => void = () => undefined;
  let closed = false;

  const refresh = async (): Promise<void> => {
    const trusted = profile.type === "https_spiffe" ? (bundle ?? profile.bundle) : undefined;
    const text = await download(url, options, trusted, clock.now());
    const next = parseSpiffeBundle(trustDomain, text, bundle);
    const same = bundle && marshalSpiffeBundle(bundle) === marshalSpiffeBundle(next);
    if (closed || same) return;
    bundle = next;
    listeners.tell();
  };
  const look = () => {
    refresh()
      .catch((error: unknown) =>
        onProblem?.(toCaError(error, "REQUEST_FAILED", `following ${url.host}: ${(error as Error).message}`)),
      )
      .finally(() => {
        const seconds = Math.min(MAX_REFRESH, Math.max(MIN_REFRESH, bundle?.refreshHintSeconds ?? 300));
        if (!closed) cancel = clock.schedule(seconds * 1000, look, true);
      });
  };
  look();
  return {
    get bundle() {
      return bundle;
    },
    subscribe: listeners.subscribe,
    refresh,
    close() {
      closed = true;
      cancel();
      listeners.clear();
    },
  };
}

/** One GET. With `trusted` the server is verified as an SVID after the handshake and before anything is asked. */
function download(
  url: URL,
  options: FollowBundleOptions,
  trusted: TrustBundle | undefined,
  at: number,
): Promise<string> {
  const { profile, timeoutMs = 10_000 } = options;
  const ca = profile.type === "https_web" ? profile.roots : bundlePem(trusted ?? profile.bundle);
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(new CaError("REQUEST_FAILED", `${url.host}: ${why}`, { cause }));
    const sent = request(
      url,
      {
        method: "GET",
        agent: false,
        timeout: timeoutMs,
        headers: { accept: "application/json" },
        ...(ca === undefined ? {} : { ca }),
        checkServerIdentity: (host, certificate) => {
          if (profile.type === "https_web") return checkServerIdentity(host, certificate);
          return mustBe(profile.id, chainOf(certificate), trusted ?? profile.bundle, at);
        },
      },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          return fail(`answered ${response.statusCode}; redirects are not followed`);
        }
        bodyOf(response, MAX_BYTES).then(
          (body) => resolve(body.toString("utf8")),
          (error: Error) => fail(error.message, error),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    sent.on("error", (error) => fail(error.message, error));
    sent.end();
  });
}

/** The certificates that the server showed, leaf first, as far as Node linked them. */
function chainOf(leaf: Partial<DetailedPeerCertificate> & PeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [leaf.raw];
  for (let next = leaf.issuerCertificate; next?.raw; next = next.issuerCertificate) {
    if (chain.some((known) => sameBytes(known, next.raw)) || chain.length === 10) break;
    chain.push(next.raw);
  }
  return chain;
}

function mustBe(id: SpiffeId, chain: readonly Uint8Array[], bundle: TrustBundle, at: number): Error | undefined {
  try {
    const found = verifyX509Svid(chain, {
      at,
      bundle: (domain: string) => (domain === bundle.trustDomain ? bundle : undefined),
    });
    return found.id.uri === id.uri ? undefined : new Error(`the endpoint is ${found.id.uri}, not ${id.uri}`);
  } catch (error) {
    return error as Error;
  }
}

/** Bundles by trust domain, for {@link VerifySvidOptions.bundle}; the last of a domain counts. */
export function bundlesByDomain(
  ...sources: readonly { readonly bundle?: TrustBundle | undefined; readonly trustBundle?: TrustBundle }[]
): (trustDomain: string) => TrustBundle | undefined {
  return (trustDomain) =>
    sources
      .map(({ bundle, trustBundle }) => bundle ?? trustBundle)
      .findLast((candidate): candidate is TrustBundle => candidate?.trustDomain === (trustDomain as TrustDomain));
}
