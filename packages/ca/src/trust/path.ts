import { EXTENSION, KEY_USAGE } from "../certificate/extension.ts";
import { type Certificate, publicKeyOf } from "../certificate/parse.ts";
import { DerError } from "../der/reader.ts";
import { CaError, type CaErrorCode } from "../error.ts";
import { constraintViolation, readNameConstraints } from "./name-constraints.ts";

/** Extensions that are understood; any other that is critical ends the validation. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));
/** Longest chain, the root included. */
const MAX_PATH = 10;

export interface PathOptions {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly code: CaErrorCode;
}

/**
 * Validates a chain (leaf first, in order, root optional) up to one of `roots` (RFC 5280, section 6.1, without policies).
 * Returns the path with the root as last element. Throws {@link CaError} with `code` and the reason.
 */
export function verifyPath(
  chain: readonly Certificate[],
  roots: readonly Certificate[],
  options: PathOptions,
): Certificate[] {
  const { at, code } = options;
  const fail = (why: string): never => {
    throw new CaError(code, `certificate chain: ${why}`);
  };
  const path = [...chain];
  if (path.length === 0) fail("it is empty");
  if (path.length > MAX_PATH) fail(`it is longer than ${MAX_PATH}`);
  const last = path[path.length - 1];
  if (last && !roots.some((root) => sameBytes(root.der, last.der))) {
    const root = roots.find((candidate) => signed(last, candidate));
    if (root === undefined) fail(`${describe(last)} leads to none of the ${roots.length} roots`);
    else path.push(root);
  }
  for (const [index, certificate] of path.entries()) {
    if (at < certificate.notBefore)
      fail(`${describe(certificate)} is not valid before ${new Date(certificate.notBefore).toISOString()}`);
    if (at >= certificate.notAfter)
      fail(`${describe(certificate)} expired at ${new Date(certificate.notAfter).toISOString()}`);
    const strange = certificate.extensions.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
    if (strange) fail(`${describe(certificate)} has the critical extension ${strange.oid}, which is not understood`);
    if (index === 0) continue;
    const { basicConstraints, keyUsage } = certificate;
    if (basicConstraints?.ca !== true) fail(`${describe(certificate)} is not an authority`);
    if (keyUsage !== undefined && (keyUsage & KEY_USAGE.keyCertSign) === 0)
      fail(`${describe(certificate)} may not sign certificates`);
    if (basicConstraints?.pathLength !== undefined && index - 1 > basicConstraints.pathLength)
      fail(`${describe(certificate)} allows ${basicConstraints.pathLength} authorities below it`);
    const below = path[index - 1];
    if (below && !signed(below, certificate)) fail(`${describe(below)} is not signed by ${describe(certificate)}`);
    checkConstraints(certificate, path.slice(0, index), fail);
  }
  return path;
}

function checkConstraints(issuer: Certificate, below: readonly Certificate[], fail: (why: string) => never): void {
  const constraints = issuer.extensions.find(({ oid }) => oid === EXTENSION.nameConstraints);
  if (constraints === undefined) return;
  try {
    const read = readNameConstraints(constraints.value);
    for (const certificate of below) {
      const violation = constraintViolation(certificate.names, read);
      if (violation !== undefined) fail(`${describe(certificate)} breaks a name constraint: ${violation}`);
    }
  } catch (error) {
    if (error instanceof DerError) fail(`${describe(issuer)}: ${error.message}`);
    throw error;
  }
}

/** Whether `issuer` signed `certificate`, by names, key identifiers and signature. */
function signed(certificate: Certificate, issuer: Certificate): boolean {
  if (!sameBytes(certificate.issuer, issuer.subject)) return false;
  const { authorityKeyId } = certificate;
  if (authorityKeyId !== undefined && issuer.subjectKeyId !== undefined && authorityKeyId !== issuer.subjectKeyId)
    return false;
  try {
    return certificate.x509.verify(publicKeyOf(issuer));
  } catch {
    return false;
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

const describe = ({ subjectText, names, serial }: Certificate): string =>
  subjectText || names[0]?.value || `the certificate ${serial}`;
