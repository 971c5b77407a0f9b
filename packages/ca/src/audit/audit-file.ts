import { open } from "node:fs/promises";
import type { AuditRecord } from "../authority/audit.ts";
import { CaError, toCaError } from "../error.ts";
import { type AuditHead, chainEntry, verifyAuditChain } from "./chain.ts";

export interface AuditFileOptions {
  /** Keeps who can write the file from writing another chain: kept elsewhere. */
  readonly key?: Uint8Array;
  /** Told when records cannot be written; they are kept and tried again with the next. */
  readonly onProblem?: (error: CaError) => void;
}

export interface AuditFile {
  /** The {@link AuditSink} for authorities and services; several may share it. */
  readonly sink: (record: AuditRecord) => void;
  /** The newest entry, written or about to be. */
  readonly head: AuditHead;
  /** Resolves when all records so far are on the disk. Rejects with STORE_FAILED. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Most records that wait for a disk that does not take them; later ones are lost, which the gap in the chain shows. */
const MAX_WAITING = 100_000;

/**
 * Appends audit records to a file (mode 0600) as a chain, each entry bound to the one before; issuing does not wait for
 * the disk. What is there is verified first and continued; a last line that a crash cut short is taken off. Throws
 * STORE_INVALID for a file that was changed, STORE_FAILED for one that cannot be opened.
 */
export async function auditFile(path: string, options: AuditFileOptions = {}): Promise<AuditFile> {
  const { key, onProblem } = options;
  const failed = (cause: unknown) => toCaError(cause, "STORE_FAILED", `audit ${path}: ${(cause as Error).message}`);
  const file = await open(path, "a+", 0o600).catch((cause: unknown) => {
    throw failed(cause);
  });
  let head: AuditHead;
  try {
    const text = await file.readFile("utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    head = verifyAuditChain(whole, key === undefined ? {} : { key }).head;
    if (whole !== text) {
      await file.truncate(Buffer.byteLength(whole));
      onProblem?.(new CaError("STORE_INVALID", `audit ${path}: the last entry was not whole and is taken off`));
    }
  } catch (error) {
    await file.close();
    throw failed(error);
  }
  let waiting: string[] = [];
  let writing: Promise<void> | undefined;
  let closed = false;
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      const { size } = await file.stat();
      try {
        await file.appendFile(lines.join(""));
        await file.datasync();
      } catch (cause) {
        waiting = [...lines, ...waiting];
        await file.truncate(size).catch(() => undefined); // nothing half written
        throw failed(cause);
      }
    }
  };
  const flush = (): Promise<void> => {
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  };
  return {
    sink(record) {
      if (closed) return;
      const entry = chainEntry(head, record, key);
      head = entry;
      if (waiting.length < MAX_WAITING) waiting.push(`${JSON.stringify(entry)}\n`);
      flush().catch((error: CaError) => onProblem?.(error));
    },
    get head() {
      return { sequence: head.sequence, hash: head.hash };
    },
    flush,
    async close() {
      closed = true;
      await flush().finally(() => file.close());
    },
  };
}
