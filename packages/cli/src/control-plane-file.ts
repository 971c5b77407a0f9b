import { dirname, resolve } from "node:path";
import { issuerKeys, xfcc } from "@fairlead/ca/grpc";
import { parseSignerDomain } from "@fairlead/ca/kubernetes";
import { parseSpiffeId } from "@fairlead/model";
import { isMap, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { CliError } from "./cli-error.ts";
import { readText } from "./input.ts";

/** A text that `check` takes; what it throws is what is wrong with it. */
const text = (check: (value: string) => unknown = () => undefined) =>
  z
    .string()
    .min(1)
    .superRefine((value, context) => {
      try {
        check(value);
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message.replace(/^\[\w+\] /, "") });
      }
    });
const spiffeId = text(parseSpiffeId);
const url = text((value) => issuerKeys({ issuer: value }));
const cidr = text((value) => xfcc({ trustedCidrs: [value] }));
const account = text((value) => {
  if (!/^[a-z0-9][a-z0-9.-]*\/[a-z0-9][a-z0-9.-]*$/.test(value)) throw new Error("must be NAMESPACE/SERVICE_ACCOUNT");
});
const some = <Item extends z.ZodType>(item: Item) => z.array(item).min(1);
const positive = z.number().int().positive();
const rate = z.strictObject({ perSecond: z.number().positive(), burst: positive });

const shape = z.strictObject({
  kubernetes: z.strictObject({ kubeconfig: text(), distributeRoots: z.boolean() }).partial().optional(),
  authenticators: z
    .strictObject({
      kubernetes: z.strictObject({ audiences: some(text()) }).partial(),
      jwt: some(
        z.strictObject({ issuer: url, audiences: some(text()), jwksUri: url.optional(), roots: text().optional() }),
      ),
      xfcc: z.strictObject({ trustedCidrs: some(cidr) }),
    })
    .partial()
    .optional(),
  minTlsVersion: z.enum(["TLSv1.2", "TLSv1.3"]).optional(),
  compliancePolicy: z.enum(["fips-140-2", "fips-140-3", "pqc"]).optional(),
  discovery: z
    .strictObject({ maxStreams: positive, maxStreamsPerSecond: z.number().positive(), serverNames: some(text()) })
    .partial()
    .optional(),
  certificates: z
    .strictObject({
      rateLimits: z.strictObject({ perCaller: rate, total: rate }).partial(),
      subordinates: some(spiffeId),
      admins: some(spiffeId),
      nodeAgents: some(account),
      signerDomain: text(parseSignerDomain),
    })
    .partial()
    .optional(),
  jwks: z
    .strictObject({
      mode: z.enum(["control-plane", "hybrid", "proxy"]),
      blockedCidrs: some(cidr),
      roots: text(),
      refreshSeconds: positive,
    })
    .partial()
    .optional(),
  debug: z
    .strictObject({ namespaces: some(text()), tokenFile: text() })
    .partial()
    .optional(),
});

/** What `serve --control-plane-config FILE` says; paths of files in it are whole. */
export type ControlPlaneFile = z.infer<typeof shape>;

/**
 * Reads the file: YAML or JSON. Paths in it are relative to its folder. Throws a {@link CliError} that tells everything
 * that is wrong with it, each with line, column and field.
 */
export async function readControlPlaneFile(path: string): Promise<ControlPlaneFile> {
  const lines = new LineCounter();
  const document = parseDocument(await readText(path), { lineCounter: lines });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const problems = document.errors.map(({ message, pos }) => `${place(pos[0])}: ${message.split("\n")[0]}`);
  if (problems.length > 0) throw new CliError("unreadable", problems.join("\n"));
  const { data, error } = shape.safeParse(document.toJS() ?? {});
  if (data) return withWholePaths(data, dirname(path));
  const said = error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: [...issue.path, key], message: "there is no such field" }))
      : [{ path: issue.path, message: issue.message }],
  );
  const found = said.map(({ path: field, message }) => ({
    offset: offsetOf(document.contents, field),
    field,
    message,
  }));
  found.sort((a, b) => a.offset - b.offset);
  throw new CliError(
    "unreadable",
    found.map(({ offset, field, message }) => `${place(offset)}: ${fieldText(field)}${message}`).join("\n"),
  );
}

function withWholePaths(file: ControlPlaneFile, folder: string): ControlPlaneFile {
  const whole = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path));
  const { authenticators } = file;
  const issuers = authenticators?.jwt?.map((issuer) => ({ ...issuer, roots: whole(issuer.roots) }));
  return {
    ...file,
    ...(issuers ? { authenticators: { ...authenticators, jwt: issuers } } : {}),
    ...(file.kubernetes ? { kubernetes: { ...file.kubernetes, kubeconfig: whole(file.kubernetes.kubeconfig) } } : {}),
    ...(file.jwks ? { jwks: { ...file.jwks, roots: whole(file.jwks.roots) } } : {}),
    ...(file.debug ? { debug: { ...file.debug, tokenFile: whole(file.debug.tokenFile) } } : {}),
  };
}

/** Where the field begins, or the nearest thing around it that is there. A field of a map: its name. */
function offsetOf(root: unknown, field: readonly PropertyKey[]): number {
  let offset = (root as Node | null)?.range?.[0] ?? 0;
  let node = root as Node | null | undefined;
  for (const key of field) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown }).value) === String(key));
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      node = pair?.value as Node | null | undefined;
    } else {
      node = (node as { items?: readonly Node[] } | null | undefined)?.items?.[Number(key)];
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}

/** `authenticators.jwt[0].issuer: ` */
const fieldText = (field: readonly PropertyKey[]): string =>
  field.length === 0
    ? ""
    : `${field.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`)).join("")}: `;
