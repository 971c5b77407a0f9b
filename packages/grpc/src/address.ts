import { lookup } from "node:dns/promises";
import { isIP, type Server } from "node:net";
import { GrpcError, STATUS } from "./status.ts";

/** Where to listen. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** Reads `HOST:PORT`, `[::1]:PORT` or `unix:/PATH`. Throws INVALID_ARGUMENT. */
export function parseAddress(address: string): Address {
  if (address.startsWith("unix:") && address.length > 5) return { path: address.slice(5).replace(/^\/\/(?=\/)/, "") };
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(digits) > 65_535)
    throw new GrpcError(STATUS.invalidArgument, `${JSON.stringify(address)} is not HOST:PORT or unix:/PATH`);
  return { host, port: Number(digits) };
}

/** Listens; the port that was bound, 0 for a Unix socket. Rejects with Node's error, the server closed. */
export function bind(server: Server, where: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
    });
  });
}

/** What a host name may mean and the machine not have, such as `::1`. */
const ABSENT = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);

/**
 * Listens on all addresses of a host, a server of `make` each, with one port; `localhost` is 127.0.0.1 and ::1. Addresses that the
 * machine does not have are left out while there is another.
 */
export async function bindHost(host: string, port: number, make: () => Server): Promise<number> {
  const found = isIP(host) > 0 ? [{ address: host }] : await lookup(host, { all: true });
  let bound: number | undefined;
  let failure: unknown;
  for (const address of new Set(found.map((one) => one.address)))
    try {
      bound = await bind(make(), { host: address, port: bound ?? port });
    } catch (error) {
      if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      failure = error;
    }
  if (bound === undefined) throw failure;
  return bound;
}
