import type { FixedTls, TlsSource } from "@fairlead/grpc";
import type { NodeJson } from "@fairlead/model";
import type { Peer } from "./peer.ts";

/**
 * Lets a client in (`undefined`) or says why not: who it is not known to be (`{ unauthenticated }`, the stream ends with
 * `UNAUTHENTICATED`), or what it may not (a text, `PERMISSION_DENIED`; so does what is thrown).
 */
export type Authorize = (peer: Peer, node: NodeJson) => Refusal | Promise<Refusal>;

type Refusal = undefined | string | { readonly unauthenticated: string };

export interface ListenOptions {
  /** `127.0.0.1:15010` (port 0: any) or `unix:/path`. */
  readonly address: string;
  /**
   * Certificates, fixed or from a source of some that change while listening. With `clientAuthorities`, a client without a
   * certificate of theirs is turned away, unless the source only asks for one.
   */
  readonly tls?: FixedTls | TlsSource;
  /** Instead of the server's own, for clients of this address. */
  readonly authorize?: Authorize;
  /** Needed for plaintext on another address than loopback, and for secrets on plaintext TCP. */
  readonly insecure?: boolean;
}

/** A bound address. */
export interface Listening {
  /** With the port that was chosen. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Ends the streams of this address and stops listening. */
  close(): Promise<void>;
}
