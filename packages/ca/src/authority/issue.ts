import { randomBytes, verify } from "node:crypto";
import type { SpiffeId } from "@fairlead/model";
import type { AlternativeName } from "../certificate/alternative-name.ts";
import { alternativeNameExtension, serialNumber, signedCertificate, writeLeaf } from "../certificate/leaf.ts";
import type { Clock } from "../clock.ts";
import { type CsrPolicy, checkCsr, mustAskForNoMore, spkiFingerprint } from "../csr/policy.ts";
import type { SubjectKey } from "../csr/public-key.ts";
import { CaError, toCaError } from "../error.ts";
import { signingAlgorithm } from "../keys/algorithm.ts";
import { encodePem } from "../pem.ts";
import type { AuditRecord, AuditSink } from "./audit.ts";
import { grantedNames } from "./granted-names.ts";
import type { Issuer } from "./issuer.ts";
import { grantedTtl, type TtlPolicy } from "./ttl.ts";

/** What an authority is asked for. The identity is the authenticated caller's; nothing is taken from the CSR but its key. */
export interface IssueRequest {
  /** PKCS #10, PEM. */
  readonly csr: string;
  readonly identity: SpiffeId;
  /** Seconds. Absent, zero or negative: the authority's default. */
  readonly ttlSeconds?: number;
  /** Further names that the caller of this library vouches for, e.g. the host names of a control plane's own server. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** For the audit record. */
  readonly caller?: NonNullable<AuditRecord["caller"]>;
}

export interface IssuedCertificate {
  /** PEM, leaf first, then what leads to the root; the root is not in it. */
  readonly certificateChain: readonly string[];
  /** All roots of the trust domain, PEM. */
  readonly roots: readonly string[];
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly authorityId: string;
}

/** What is about to be signed, as policies see it. */
export interface CertificateTemplate {
  readonly identity: SpiffeId;
  readonly names: readonly AlternativeName[];
  readonly spki: Uint8Array;
  readonly key: Pick<SubjectKey, "family" | "bits">;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly authorityId: string;
}

/**
 * The third stage: throws to refuse (a {@link CaError} keeps its code, anything else becomes POLICY_DENIED). May answer with
 * an earlier end, milliseconds since the epoch; a later one than the template's is not taken.
 */
export type IssuancePolicy = (
  template: CertificateTemplate,
  request: IssueRequest,
) => void | Promise<void> | PolicyAnswer | undefined | Promise<PolicyAnswer | undefined>;

export interface PolicyAnswer {
  readonly notAfter?: number;
}

export interface IssuanceOptions {
  readonly trustDomain: string;
  readonly clock: Pick<Clock, "now">;
  readonly random: (size: number) => Uint8Array;
  readonly csr: CsrPolicy;
  readonly ttl: TtlPolicy;
  readonly policies: readonly IssuancePolicy[];
  /** Verifies each signature before it leaves. Default: only where the key is not in this process. */
  readonly verifyAfterSign: boolean | undefined;
  readonly audit: AuditSink | undefined;
  /** Issuances that may wait for a remote key or a slow policy at once. */
  readonly maxInFlight: number;
}

let drawn = randomBytes(0);
let used = 0;

/** Random bytes of node:crypto for serial numbers and ids, drawn in stretches: a call for 16 bytes costs as much as for thousands. */
export function defaultRandom(size: number): Uint8Array {
  if (used + size > drawn.length) {
    drawn = randomBytes(Math.max(size, 4096));
    used = 0;
  }
  used += size;
  return drawn.subarray(used - size, used);
}

/** Most identities whose encoded names are kept. */
const NAME_CACHE = 10_000;

/**
 * The pipeline every authority issues through: validate the request → fill the template → ask the policies → sign →
 * audit. Whatever is thrown on the way leaves as a {@link CaError}.
 */
export function createIssuance(
  options: IssuanceOptions,
): (request: IssueRequest, issuer: () => Issuer) => Promise<IssuedCertificate> {
  const { clock, random, csr: csrPolicy, ttl, policies, audit, trustDomain } = options;
  const encoded = new Map<string, Granted>();
  let inFlight = 0;

  const grant = (request: IssueRequest): Granted => {
    const { identity, dnsNames = [], ipAddresses = [] } = request;
    const plain = dnsNames.length === 0 && ipAddresses.length === 0;
    const known = plain ? encoded.get(identity.uri) : undefined;
    if (known !== undefined) return known;
    const names = grantedNames(identity, trustDomain, dnsNames, ipAddresses);
    const granted = { names, extension: alternativeNameExtension(names) };
    if (plain) {
      if (encoded.size >= NAME_CACHE) encoded.clear();
      encoded.set(identity.uri, granted);
    }
    return granted;
  };

  const run = async (request: IssueRequest, current: () => Issuer): Promise<IssuedCertificate> => {
    const issuer = current();
    const now = clock.now();
    const granted = grant(request);
    const { spki, parsed } = checkCsr(request.csr, csrPolicy, [issuer.signer.publicKey]);
    if (csrPolicy.requests === "match") mustAskForNoMore(parsed, granted.names);
    const seconds = grantedTtl(request.ttlSeconds, ttl);
    if (now >= issuer.notAfter) throw new CaError("CA_EXPIRED", "the authority's certificate has expired");
    if (now < issuer.notBefore) throw new CaError("CA_EXPIRED", "the authority's certificate is not valid yet");
    const notBefore = floorSecond(Math.max(now - ttl.backdateSeconds * 1000, issuer.notBefore));
    let notAfter = floorSecond(Math.min(now + seconds * 1000, issuer.notAfter));
    if (policies.length > 0) {
      const template = {
        identity: request.identity,
        names: granted.names,
        spki,
        key: parsed.key,
        notBefore,
        notAfter,
        authorityId: issuer.authorityId,
      };
      notAfter = floorSecond(await consult(policies, template, request));
      if (notAfter <= now) throw new CaError("POLICY_DENIED", "a policy grants no time");
    }
    const serial = serialNumber(random);
    const tbs = writeLeaf(issuer, { serial, notBefore, notAfter, spki, names: granted.extension });
    const signature = await signWith(issuer, tbs, options.verifyAfterSign);
    const leaf = encodePem("CERTIFICATE", signedCertificate(tbs, issuer.algorithm, signature));
    const issued: IssuedCertificate = {
      certificateChain: [leaf, ...issuer.chain],
      roots: issuer.roots,
      serial: Buffer.from(serial).toString("hex"),
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      authorityId: issuer.authorityId,
    };
    if (audit)
      record(audit, {
        time: now,
        outcome: "issued",
        ...(request.caller ? { caller: request.caller } : {}),
        identity: request.identity.uri,
        serial: issued.serial,
        notBefore,
        notAfter,
        authorityId: issuer.authorityId,
        publicKeySha256: spkiFingerprint(spki),
      });
    return issued;
  };

  return async (request, issuer) => {
    if (inFlight >= options.maxInFlight)
      throw refused(
        new CaError("RATE_LIMITED", "too many requests are being signed", { retryAfterMs: 500 }),
        request,
        options,
      );
    inFlight++;
    try {
      return await run(request, issuer);
    } catch (error) {
      throw refused(error, request, options);
    } finally {
      inFlight--;
    }
  };
}

interface Granted {
  readonly names: readonly AlternativeName[];
  readonly extension: Uint8Array;
}

const floorSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;

async function consult(
  policies: readonly IssuancePolicy[],
  template: CertificateTemplate,
  request: IssueRequest,
): Promise<number> {
  let { notAfter } = template;
  for (const policy of policies)
    try {
      const answer = await policy(template, request);
      if (answer?.notAfter !== undefined) notAfter = Math.min(notAfter, answer.notAfter);
    } catch (error) {
      throw toCaError(
        error,
        "POLICY_DENIED",
        error instanceof Error ? error.message : "a policy refused the certificate",
      );
    }
  return notAfter;
}

/** Signs, without waiting where the key is local; verifies where asked or where it is not. */
async function signWith(issuer: Issuer, tbs: Uint8Array, verifyAfterSign: boolean | undefined): Promise<Uint8Array> {
  const { signer, publicKey } = issuer;
  let signature: Uint8Array;
  try {
    signature = signer.signSync ? signer.signSync(tbs) : await signer.sign(tbs);
  } catch (error) {
    throw toCaError(error, "SIGNING_FAILED", "the authority's key did not sign");
  }
  if (verifyAfterSign ?? signer.signSync === undefined) {
    const { hash } = signingAlgorithm(signer.keyType);
    if (!verify(hash, tbs, publicKey, signature))
      throw new CaError("SIGNING_FAILED", "the authority's key made a signature its certificate does not verify");
  }
  return signature;
}

/** The error that a refused request leaves with, after it was recorded. */
export function refused(
  error: unknown,
  request: IssueRequest,
  { audit, clock }: Pick<IssuanceOptions, "audit" | "clock">,
): CaError {
  const failure = toCaError(error, "SIGNING_FAILED", "the certificate could not be made");
  if (audit)
    record(audit, {
      time: clock.now(),
      outcome: "refused",
      ...(request?.caller ? { caller: request.caller } : {}),
      identity: String(request?.identity?.uri).slice(0, 2048),
      code: failure.code,
      message: failure.message,
    });
  return failure;
}

/** Tells the audit sink. */
export function record(audit: AuditSink, entry: AuditRecord): void {
  try {
    audit(entry);
  } catch {
    // An audit sink that fails must not undo an issuance; sinks report their own failures.
  }
}
