import { createHash, createHmac } from "node:crypto";
import type { AuditRecord } from "../authority/audit.ts";
import { CaError } from "../error.ts";

/** A record in its place. As text: one line of JSON with the members in this order. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** The `hash` of the entry before; 64 zeros in the first. */
  readonly previous: string;
  readonly record: AuditRecord;
  /** SHA-256, or HMAC-SHA-256 where there is a key, of the JSON text of the members before it, hex. */
  readonly hash: string;
}

/** Where a chain ends; kept elsewhere (another machine, a ticket) it proves that nothing before it was changed or cut off. */
export interface AuditHead {
  readonly sequence: number;
  readonly hash: string;
}

export const AUDIT_START: AuditHead = { sequence: 0, hash: "0".repeat(64) };

/** Puts a record behind `head`. */
export function chainEntry(head: AuditHead, record: AuditRecord, key: Uint8Array | undefined): AuditEntry {
  const body = { sequence: head.sequence + 1, previous: head.hash, record };
  return { ...body, hash: hashOf(body, key) };
}

export interface VerifyAuditOptions {
  /** The key that the chain was made with, if any. Without one, who can write the file can also write a new chain. */
  readonly key?: Uint8Array;
  /** A head that was kept: the chain must hold exactly that entry. */
  readonly head?: AuditHead;
}

/**
 * Reads a chain of entries, one line each, and checks every link. Throws STORE_INVALID with the number of the first line
 * that was changed, taken out, put in, moved or cut off.
 */
export function verifyAuditChain(
  text: string,
  options: VerifyAuditOptions = {},
): { readonly entries: readonly AuditEntry[]; readonly head: AuditHead } {
  const fail = (line: number, why: string): never => {
    throw new CaError("STORE_INVALID", `audit, line ${line}: ${why}`);
  };
  const lines = text.split("\n");
  if (lines.pop() !== "") fail(lines.length + 1, "the last entry is not whole");
  let head = AUDIT_START;
  const entries: AuditEntry[] = [];
  for (const [index, line] of lines.entries()) {
    let entry: AuditEntry;
    try {
      entry = JSON.parse(line) as AuditEntry;
    } catch {
      return fail(index + 1, "not JSON");
    }
    const { sequence, previous, record, hash } = entry ?? {};
    if (sequence !== head.sequence + 1) fail(index + 1, `entry ${sequence} after entry ${head.sequence}`);
    if (previous !== head.hash) fail(index + 1, "it does not follow the entry before it");
    // Written again: what else is in the line, a member twice or one more, is a change too.
    if (
      hash !== hashOf({ sequence, previous, record }, options.key) ||
      JSON.stringify({ sequence, previous, record, hash }) !== line
    )
      fail(index + 1, "it was changed");
    if (sequence === options.head?.sequence && hash !== options.head.hash)
      fail(index + 1, "it is not the entry that was kept");
    head = { sequence, hash };
    entries.push(entry);
  }
  if (options.head && options.head.sequence > head.sequence)
    fail(lines.length, `the chain ends before entry ${options.head.sequence}, which was kept`);
  return { entries, head };
}

function hashOf(body: Omit<AuditEntry, "hash">, key: Uint8Array | undefined): string {
  const text = JSON.stringify(body);
  return (key === undefined ? createHash("sha256") : createHmac("sha256", key)).update(text).digest("hex");
}
