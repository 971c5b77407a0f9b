import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { bind, bindHost, parseAddress } from "./address.ts";
import { Batch } from "./batch.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type Serving, serve } from "./exchange.ts";
import type { Method } from "./method.ts";
import { contextOptions, serverOptions, type TlsSource } from "./tls.ts";

export interface GrpcServerOptions {
  readonly methods: readonly Method[];
  /** `127.0.0.1:15010` (port 0: any), `localhost:0` (all its addresses) or `unix:/path`. */
  readonly address: string;
  /** Without it: plaintext. */
  readonly tls?: TlsSource;
  /**
   * Largest message that is received, in bytes, expanded too. Default 4 MiB. Of messages that have begun and not ended a connection
   * may have four times that, and at least 1 MiB.
   */
  readonly maxReceiveBytes?: number;
  /** Calls at a time on one connection. Default 1,000. */
  readonly maxConcurrentStreams?: number;
  /** A ping after so long, and so long for its answer; milliseconds. Default 30,000 and 10,000. */
  readonly keepalive?: ConnectionOptions["keepalive"];
  /** Connections end after this time, a tenth more or less, their calls `grace` later; milliseconds. Default: never. */
  readonly maxConnectionAge?: { readonly max: number; readonly grace: number };
  /** Told of what methods threw that no caller is told, and of certificates that do not work. Default: nobody is. */
  readonly onError?: (error: unknown) => void;
}

export interface GrpcServer {
  /** With the port that was bound. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Open connections, those in their handshake too. */
  readonly connections: number;
  /** Takes no more connections and calls; those under way have `grace` milliseconds. Default 1,000. */
  close(grace?: number): Promise<void>;
}

/**
 * What one connection may do. A client that resets streams faster (CVE-2023-44487), or sends frames that are not allowed, loses
 * its connection.
 */
const LIMITS = {
  maxSessionMemory: 64,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  streamResetBurst: 1_000,
  streamResetRate: 100,
};

/** Headers of a request: tokens and certificates of proxies are a few thousand bytes. */
const MAX_HEADER_BYTES = 65_536;

/**
 * A gRPC server over HTTP/2 (gRPC, "gRPC over HTTP2"). Messages are bytes: who serves encodes. Rejects when it cannot listen. The
 * caller closes it.
 */
export async function listenGrpc(options: GrpcServerOptions): Promise<GrpcServer> {
  const { address, tls, maxReceiveBytes = 4 << 20, keepalive = { interval: 30_000, timeout: 10_000 } } = options;
  const where = parseAddress(address);
  const transport = "path" in where ? "unix" : tls ? "tls" : "plaintext";
  const connections = new Map<ServerHttp2Session, Connection>();
  const onError = (error: unknown) => {
    try {
      options.onError?.(error);
    } catch {
      // Whoever is told of errors must not make more.
    }
  };
  const serving: Serving = {
    methods: new Map(options.methods.map((method) => [method.path, method])),
    maxReceiveBytes,
    maxHeldBytes: Math.max(4 * maxReceiveBytes, 1 << 20),
    batch: new Batch(),
    onError,
  };
  const settings = {
    enablePush: false,
    maxConcurrentStreams: options.maxConcurrentStreams ?? 1_000,
    maxHeaderListSize: MAX_HEADER_BYTES,
  };
  const stops: (() => void)[] = [];
  const servers: Http2Server[] = [];
  /** Also those whose handshake is not done. */
  const sockets = new Set<Socket>();

  const open = (session: ServerHttp2Session) => {
    const connection = new Connection(session, transport, { keepalive, age: options.maxConnectionAge });
    connections.set(session, connection);
    session.on("error", () => undefined);
    session.once("close", () => connections.delete(session));
    session.on("stream", (stream, headers, _flags, raw) => serve(stream, headers, raw, connection, serving));
  };
  const make = (): Http2Server => {
    const server = tls
      ? secureServer(tls, { ...LIMITS, settings }, onError, stops)
      : createServer({ ...LIMITS, settings });
    server.on("session", open);
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    servers.push(server as Http2Server);
    return server as Http2Server;
  };
  const close = async (grace = 1_000) => {
    for (const stop of stops) stop();
    const closed = servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())));
    for (const connection of connections.values()) connection.drain();
    const cut = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, grace);
    await Promise.all(closed);
    clearTimeout(cut);
  };

  let port = 0;
  try {
    if ("path" in where) await bind(make(), where);
    else {
      port = where.port;
      port = await bindHost(where.host, where.port, make);
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return {
    address: "path" in where ? address : `${address.slice(0, address.lastIndexOf(":"))}:${port}`,
    port,
    get connections() {
      return sockets.size;
    },
    close,
  };
}

/** A server whose certificate follows its source; what does not work leaves the last that did in force. */
function secureServer(
  tls: TlsSource,
  limits: Parameters<typeof createSecureServer>[0],
  onError: (error: unknown) => void,
  stops: (() => void)[],
): ReturnType<typeof createSecureServer> {
  let ready = false;
  const server = createSecureServer({ ...limits, ...serverOptions(tls) });
  const refresh = () => {
    const context = contextOptions(tls);
    if (!context) {
      ready = false;
      return;
    }
    server.setSecureContext(context);
    ready = true;
  };
  refresh();
  stops.push(
    tls.subscribe(() => {
      try {
        refresh();
      } catch (error) {
        onError(error);
      }
    }),
  );
  server.on("connection", (socket) => {
    if (!ready) socket.destroy();
  });
  server.on("secureConnection", (socket) => void socket.on("error", () => undefined));
  return server;
}
