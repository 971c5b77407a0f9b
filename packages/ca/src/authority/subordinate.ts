import { certificatePem, createAuthorityCertificate, subjectKeyId } from "../certificate/authority-certificate.ts";
import { serialNumber } from "../certificate/leaf.ts";
import { checkCsr, spkiFingerprint } from "../csr/policy.ts";
import { CaError } from "../error.ts";
import { type IssuanceOptions, type IssuedCertificate, type IssueRequest, record } from "./issue.ts";
import type { Issuer } from "./issuer.ts";

/** What an authority is asked for by one that is to stand below it. */
export interface SubordinateRequest {
  /** PKCS #10, PEM. */
  readonly csr: string;
  /** Seconds. Default and most: the authority's `subordinateTtlSeconds`. */
  readonly ttlSeconds?: number;
  /** For the audit record. */
  readonly caller?: IssueRequest["caller"];
}

/** What a certificate of a subordinate authority will say before it is made: journals are written in between. */
export interface SubordinatePlan {
  readonly spki: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Checks a request for a signing certificate. Throws {@link CaError}, as for workloads. */
export function planSubordinate(
  request: SubordinateRequest,
  issuer: Issuer,
  maxTtlSeconds: number,
  { clock, csr, ttl, trustDomain }: IssuanceOptions,
): SubordinatePlan {
  const { spki, parsed } = checkCsr(request.csr, csr, [issuer.signer.publicKey]);
  const strange = parsed.requested.names.find(
    ({ type, value }) => type !== "uri" || value !== `spiffe://${trustDomain}`,
  );
  if (strange) throw new CaError("CSR_SAN_MISMATCH", `the request asks for the ${strange.type} name ${strange.value}`);
  const now = clock.now();
  const asked = request.ttlSeconds ?? 0;
  if (!(asked <= maxTtlSeconds))
    throw new CaError("TTL_TOO_LONG", `${asked} s were asked for; subordinates live at most ${maxTtlSeconds} s`);
  if (now >= issuer.notAfter) throw new CaError("CA_EXPIRED", "the authority's certificate has expired");
  const seconds = asked > 0 ? asked : maxTtlSeconds;
  return {
    spki,
    notBefore: Math.max(now - ttl.backdateSeconds * 1000, issuer.notBefore),
    notAfter: Math.floor(Math.min(now + seconds * 1000, issuer.notAfter) / 1000) * 1000,
  };
}

/**
 * Makes the certificate of a subordinate authority: no authority below it, and only names of the trust domain
 * (nameConstraints on URIs), so that its key is worth no more than the workloads it signs for.
 */
export async function signSubordinate(
  request: SubordinateRequest,
  plan: SubordinatePlan,
  issuer: Issuer,
  { random, trustDomain, audit, clock }: IssuanceOptions,
): Promise<IssuedCertificate> {
  const certificate = await createAuthorityCertificate({
    trustDomain,
    name: `subordinate ${subjectKeyId(plan.spki).slice(0, 16)}`,
    publicKey: plan.spki,
    notBefore: plan.notBefore,
    notAfter: plan.notAfter,
    serial: serialNumber(random),
    pathLength: 0,
    permittedUriHost: trustDomain,
    issuer: issuer.certificate,
    signer: issuer.signer,
  });
  const { serial, notBefore, notAfter } = certificate;
  if (audit)
    record(audit, {
      time: clock.now(),
      outcome: "issued",
      ...(request.caller ? { caller: request.caller } : {}),
      identity: `spiffe://${trustDomain}`,
      serial,
      notBefore,
      notAfter,
      authorityId: issuer.authorityId,
      publicKeySha256: spkiFingerprint(plan.spki),
    });
  return {
    certificateChain: [certificatePem(certificate), ...issuer.chain],
    roots: issuer.roots,
    serial,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    authorityId: issuer.authorityId,
  };
}
