import { constants, type ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "./method.ts";

export interface ConnectionOptions {
  /** A ping after this time, and how long for its answer. Milliseconds. */
  readonly keepalive: { readonly interval: number; readonly timeout: number };
  /** When the connection is to end, and how long its calls have then. Milliseconds. */
  readonly age: { readonly max: number; readonly grace: number } | undefined;
}

/** Clients that came at the same time should not all come back at the same time. */
const JITTER = 0.1;

/** Keeps an eye on one connection: whether the other end is there, and how old it is. */
export class Connection {
  readonly #session: ServerHttp2Session;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #transport: Peer["transport"];
  #peer: Peer | undefined;
  /** Bytes of messages that have begun and not ended, over all calls. */
  heldBytes = 0;

  constructor(session: ServerHttp2Session, transport: Peer["transport"], { keepalive, age }: ConnectionOptions) {
    this.#session = session;
    this.#transport = transport;
    session.once("close", () => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#timers.clear();
    });
    this.#keepAlive(keepalive);
    if (age)
      this.#after(age.max * (1 + JITTER * (2 * Math.random() - 1)), () => {
        this.drain();
        this.#after(age.grace, () => this.#cut());
      });
  }

  /** Read when first asked for: a certificate costs as much as a call. */
  get peer(): Peer {
    this.#peer ??= peerOf(this.#session, this.#transport);
    return this.#peer;
  }

  /** Takes no more calls (GOAWAY) and ends with the last of those under way. */
  drain(): void {
    if (!this.#session.destroyed) this.#session.close();
  }

  #cut(): void {
    if (!this.#session.destroyed) this.#session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  #keepAlive({ interval, timeout }: ConnectionOptions["keepalive"]): void {
    this.#after(interval, () => {
      const silent = this.#after(timeout, () => this.#cut());
      const answered = () => {
        clearTimeout(silent);
        this.#timers.delete(silent);
        if (!this.#session.destroyed) this.#keepAlive({ interval, timeout });
      };
      try {
        // False: as many as may be are without an answer, and the timer says when that is too long.
        this.#session.ping((error) => void (error ?? answered()));
      } catch {
        // It is going away, which its own events tell.
      }
    });
  }

  #after(milliseconds: number, work: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
    return timer;
  }
}

function peerOf(session: ServerHttp2Session, transport: Peer["transport"]): Peer {
  const { socket } = session;
  const { remoteAddress = "unknown", remotePort } = socket;
  const address =
    transport === "unix" ? "unix" : remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
  return { address, transport, certificate: transport === "tls" ? certificateOf(socket as TLSSocket) : undefined };
}

function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  if (!socket.authorized) return undefined;
  const { raw, subjectaltname = "" } = socket.getPeerCertificate();
  return raw ? { der: raw, subjectAltName: subjectaltname } : undefined;
}
