import { randomUUID } from "node:crypto";
import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { ObjectRef } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import type { ConfigObject } from "../object.ts";
import type { ParsedDocument } from "../parse/documents.ts";
import { editYaml, removeFromYaml } from "../parse/edit.ts";
import { fieldEdits } from "../parse/field-edits.ts";
import { splitDocuments } from "../parse/split.ts";
import { printDocument, toKubernetes } from "../print.ts";
import type { PlannedWrite } from "./write-plan.ts";

/** Metadata that a server gives, which has no place in files. */
const SERVER_METADATA = ["creationTimestamp", "resourceVersion", "generation", "uid"] as const;

/**
 * Writes objects into the files that hold them, new ones into files of their own in the first folder of `paths`. All or
 * none: see {@link DirectoryStore}.
 */
export async function writeDirectory(
  writes: readonly PlannedWrite[],
  documentOf: (ref: ObjectRef) => ParsedDocument | undefined,
  paths: readonly string[],
): Promise<void> {
  const texts = new Map<string, { readonly before: string | undefined; after: string | undefined }>();
  const open = async (file: string) => {
    const known = texts.get(file);
    if (known) return known;
    const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw unavailable(file, error);
    });
    const text = { before, after: before };
    texts.set(file, text);
    return text;
  };
  const placed = writes.map(({ ref, after }) => ({ ref, after, document: documentOf(ref) }));
  // From the end of each file to its start, so that the lines of what is still to be written hold; what is new comes last.
  placed.sort((a, b) => (b.document?.line ?? -1) - (a.document?.line ?? -1));
  for (const { ref, after, document } of placed) {
    if (document === undefined && after === undefined) continue;
    const text = await open(document?.file ?? (await newFile(ref, paths)));
    text.after = document ? edited(text.after ?? "", document, ref, after) : appended(text.after, after);
  }
  await replaceFiles([...texts].filter(([, { before, after }]) => before !== after));
}

function edited(
  text: string,
  document: ParsedDocument,
  ref: ObjectRef,
  after: ConfigObject | undefined,
): string | undefined {
  const object = { kind: ref.kind, name: ref.name };
  // Only this document's part of the file: another may have the same name in another namespace.
  const part = [...splitDocuments(text)].findLast(({ line }) => line < document.line);
  const start = part?.offset ?? 0;
  const end = start + (part?.text.length ?? 0);
  const around = (middle: string) => text.slice(0, start) + middle + text.slice(end);
  try {
    const own = part?.text ?? "";
    if (after !== undefined)
      return around(editYaml(own, fieldEdits(object, document.value, asWritten(document, after))));
    const rest = around(removeFromYaml(own, object));
    return [...splitDocuments(rest)].length > 0 ? rest : undefined;
  } catch (error) {
    if (error instanceof ConfigError && error.code === "NOT_FOUND")
      throw new ConfigError(
        "UNSUPPORTED",
        `${ref.kind} ${ref.namespace}/${ref.name} stands inside a list in ${document.file}: it can be written by hand only`,
        { cause: error },
      );
    throw error;
  }
}

/** As the document is to read: what it leaves to defaults (its namespace) or has from elsewhere stays as it is. */
function asWritten(document: ParsedDocument, after: ConfigObject): Readonly<Record<string, unknown>> {
  const written = withoutServerMetadata(after);
  const before = document.value.metadata as Readonly<Record<string, unknown>>;
  const metadata: Record<string, unknown> = { ...(written.metadata as object) };
  if (before.namespace === undefined) delete metadata.namespace;
  for (const [field, value] of Object.entries(before)) {
    const own = field === "labels" || field === "annotations" || field in metadata;
    if (!own || (metadata[field] === undefined && isEmpty(value))) metadata[field] = value;
  }
  return { ...document.value, ...written, apiVersion: document.value.apiVersion, metadata };
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

function withoutServerMetadata(object: ConfigObject): Readonly<Record<string, unknown>> {
  const metadata: Record<string, unknown> = { ...object.metadata };
  for (const field of SERVER_METADATA) delete metadata[field];
  return toKubernetes({ ...object, metadata } as unknown as ConfigObject);
}

function appended(text: string | undefined, after: ConfigObject | undefined): string | undefined {
  if (after === undefined) return text;
  const printed = printDocument(withoutServerMetadata(after));
  if (text === undefined || text.trim() === "") return printed;
  return `${text}${text.endsWith("\n") ? "" : "\n"}---\n${printed}`;
}

async function newFile({ kind, namespace, name }: ObjectRef, paths: readonly string[]): Promise<string> {
  for (const path of paths)
    if ((await stat(path)).isDirectory())
      return join(path, `${[namespace, kind, name].filter((part) => part !== "").join(".")}.yaml`);
  const [first = ""] = paths;
  if (extname(first) === ".json")
    throw new ConfigError("UNSUPPORTED", `${first} holds one JSON document; a new object needs a folder`);
  return first;
}

type Replacement = readonly [file: string, { readonly before: string | undefined; readonly after: string | undefined }];

/** Files are replaced where links lead, and keep their mode; of what goes, the link goes. */
async function replaceFiles(named: readonly Replacement[]): Promise<void> {
  const files = await Promise.all(
    named.map(async ([file, texts]): Promise<Replacement> => {
      const real = texts.after === undefined ? file : await realpath(file).catch(() => file);
      return [real, texts];
    }),
  );
  const beside = files.map(([file]) => join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`));
  const done: Replacement[] = [];
  try {
    for (const [index, [, { after }]] of files.entries())
      if (after !== undefined)
        await writeFile(beside[index] as string, after, { flush: true, mode: await modeOf(files[index]?.[0]) });
    for (const [index, replacement] of files.entries()) {
      const [file, { after }] = replacement;
      if (after === undefined) await rm(file);
      else await rename(beside[index] as string, file);
      done.push(replacement);
    }
  } catch (error) {
    for (const [file, { before }] of done) await (before === undefined ? rm(file) : writeFile(file, before));
    throw unavailable(files[done.length]?.[0] ?? "", error as Error);
  } finally {
    for (const path of beside) await rm(path, { force: true });
  }
}

async function modeOf(file = ""): Promise<number> {
  return (await stat(file).catch(() => undefined))?.mode ?? 0o666;
}

function unavailable(file: string, cause: Error): ConfigError {
  return new ConfigError("UNAVAILABLE", `${file} cannot be written: ${cause.message}`, { cause });
}
