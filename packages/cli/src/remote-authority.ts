import { fileSecrets, mountedCertificate } from "@fairlead/ca/agent";
import { type AuthorityClient, grpcAuthorityClient } from "@fairlead/ca/grpc";
import { CliError } from "./cli-error.ts";
import type { Call } from "./command.ts";

/** Where an authority is: in a folder, or served elsewhere and asked by the certificate in a folder (`ca issue --out`). */
export const AUTHORITY_OPTIONS = {
  dir: { type: "string" },
  ca: { type: "string" },
  certificate: { type: "string" },
} as const;

export const AUTHORITY_USAGE = "(--dir D | --ca HOST:PORT --certificate DIR)";

/** Does one thing at the authority that the call names. */
export async function atAuthority<T>(
  call: Call,
  work: { readonly folder: (dir: string) => Promise<T>; readonly remote: (client: AuthorityClient) => Promise<T> },
): Promise<T> {
  const [dir, address, certificate] = [call.text("dir"), call.text("ca"), call.text("certificate")];
  if ((dir === undefined) === (address === undefined)) throw new CliError("usage", "either --dir or --ca is needed");
  if ((address === undefined) !== (certificate === undefined))
    throw new CliError("usage", "--ca and --certificate go together");
  if (address === undefined) return work.folder(dir ?? "");
  if (!/.:\d+$/.test(address)) throw new CliError("usage", `--ca takes HOST:PORT, not ${JSON.stringify(address)}`);
  const identity = await fileSecrets({ secrets: mountedCertificate(certificate ?? ""), pollSeconds: 0 });
  try {
    return await work.remote(grpcAuthorityClient({ address, identity }));
  } finally {
    identity.close();
  }
}
