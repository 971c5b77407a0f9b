import type { CaErrorCode } from "../error.ts";

/** What happened to one request. Holds no key, token or request text, so that it can go to any log. */
export interface AuditRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** `changed`: an administrator changed the authority; `message` says how. */
  readonly outcome: "issued" | "refused" | "changed";
  /** Who asked: the authenticator's name and the identity it found. Absent for calls inside the process. */
  readonly caller?: { readonly authenticator: string; readonly identity: string; readonly peer?: string };
  /** The identity asked for or granted. */
  readonly identity?: string;
  readonly code?: CaErrorCode;
  /** The full reason, also of what the peer is not told. */
  readonly message?: string;
  readonly serial?: string;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly authorityId?: string;
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly publicKeySha256?: string;
}

/** Called once for each request, after the outcome is certain. Must not throw; what it throws is dropped. */
export type AuditSink = (record: AuditRecord) => void;
