import { createHash } from "node:crypto";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import type { ParsedDocument, ParseOptions, ParseResult } from "../parse/documents.ts";
import { streamDocuments } from "../parse/documents.ts";
import { writeDirectory } from "./directory-writer.ts";
import { DocumentSet, type DocumentStore } from "./documents.ts";
import { type FileSignature, lookAt, readSettled, type Scan, scanFiles } from "./scan.ts";
import type { StoredObject, StoreEdit, WritableStore } from "./store.ts";
import { type Watcher, watchFolders } from "./watch.ts";
import { planWrites } from "./write-plan.ts";

export interface DirectoryOptions extends Omit<ParseOptions, "file"> {
  /** Whether to follow changes. Default: true. */
  readonly watch?: boolean;
  /** Milliseconds without a further event after which changes are read. Default: 50. */
  readonly debounce?: number;
  /** Milliseconds between looks where the system cannot watch. Default: 1000. */
  readonly pollInterval?: number;
  /** Called after each reading that changed what is wrong, with all that is wrong now. */
  readonly onDiagnostics?: (diagnostics: readonly Diagnostic[]) => void;
}

/**
 * A store over folders. Whoever made it closes it.
 *
 * Writes go into the file that holds the object, where only what changes is touched and comments stay; a new object gets
 * a file of its own, `namespace.Kind.name.yaml`, in the first folder. An object's revision is a hash of its document. A
 * transaction writes every file beside its place first and then renames them one by one: what fails is undone, but a
 * machine that loses power between two renames has written one of them. What is written at the same moment by another
 * program, between the check of the revisions and the rename, is overwritten; files give no better.
 */
export interface DirectoryStore extends DocumentStore, WritableStore, AsyncDisposable {
  /** Reads what changed now, without waiting for an event; resolves when it is in. */
  refresh(): Promise<void>;
  /** Stops watching; what was read stays readable. */
  close(): Promise<void>;
}

/**
 * The configuration in files and folders: every `*.yaml`, `*.yml` and `*.json`, recursively, hidden entries (`.x`) and
 * `node_modules` aside. A broken file or object leaves its last good version in force and is in `diagnostics()`.
 * Changes are seen however they are made: written in place, renamed over, or by the symlink swap of a Kubernetes mount.
 * `ready` rejects with ConfigError `PATH_NOT_FOUND` when a path is not there to begin with.
 */
export function directoryStore(paths: string | readonly string[], options: DirectoryOptions = {}): DirectoryStore {
  return new WatchedDirectory(typeof paths === "string" ? [paths] : paths, options);
}

export type { DocumentStore, ParsedDocument };

/** Events of one reading that are looked at one by one. */
const MOST_EVENTS = 100;

class WatchedDirectory extends DocumentSet implements DirectoryStore {
  readonly #paths: readonly string[];
  readonly #options: DirectoryOptions;
  readonly #known = new Map<string, FileSignature>();
  #scan: Scan | undefined;
  /** Paths that events named since the last reading; `all` where anything may have changed. */
  #events: Set<string> | "all" = "all";
  #watcher: Watcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #closed = false;
  #opened = false;
  #reported = "";

  constructor(paths: readonly string[], options: DirectoryOptions) {
    super();
    this.#paths = paths;
    this.#options = options;
    this.ready = this.#start();
    // Who never looks at `ready` still learns of it by `diagnostics`, not by a crash.
    this.ready.catch(() => undefined);
  }

  async #start(): Promise<void> {
    const { missing } = await scanFiles(this.#paths);
    if (missing.length > 0) throw new ConfigError("PATH_NOT_FOUND", `no such file or folder: ${missing.join(", ")}`);
    if (this.#options.watch !== false && !this.#closed)
      this.#watcher = watchFolders((path) => this.#note(path), this.#options.pollInterval ?? 1000);
    await this.refresh();
  }

  refresh(): Promise<void> {
    return this.#alone(() => this.#readAll());
  }

  stored(ref: ObjectRef): StoredObject | undefined {
    const document = this.documentOf(ref);
    if (document?.object === undefined) return undefined;
    const revision = createHash("sha256").update(JSON.stringify(document.value)).digest("hex").slice(0, 16);
    return { object: document.object, revision };
  }

  transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]> {
    return this.#alone(async () => {
      await this.#readAll();
      const { writes, warnings } = planWrites(edits, (ref) => this.stored(ref));
      await writeDirectory(writes, (ref) => this.documentOf(ref), this.#paths);
      await this.#readAll();
      return warnings;
    });
  }

  /** One after the other, whatever came of the one before. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#reading.then(task);
    this.#reading = next.then(
      () => undefined,
      () => undefined,
    );
    return next;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #note(path: string | undefined): void {
    // Of a flood the system may have dropped a part.
    if (path === undefined || this.#events === "all" || this.#events.size >= MOST_EVENTS) this.#events = "all";
    else this.#events.add(path);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#alone(() => this.#read()), this.#options.debounce ?? 50);
  }

  #readAll(): Promise<void> {
    this.#events = "all";
    return this.#read();
  }

  async #read(): Promise<void> {
    if (this.#closed) return;
    const edits: [string, ParseResult | undefined][] = [];
    for (const [file, signature] of await this.#look()) {
      if (this.#known.get(file) === signature) continue;
      if (signature === undefined) {
        this.#known.delete(file);
        edits.push([file, undefined]);
        continue;
      }
      const settled = await readSettled(file, signature);
      if (settled === "changing") {
        this.#note(file);
        continue;
      }
      this.#known.set(file, signature);
      edits.push([file, "text" in settled ? await this.#parse(file, settled.text) : unreadable(file, settled.error)]);
    }
    if (this.#closed || edits.length === 0) return;
    const staged = await givingWay(this.stage(edits));
    if (this.#closed) return;
    // What is read to begin with comes in batches; later changes are one.
    await givingWay(this.commit(staged, this.#opened ? Number.POSITIVE_INFINITY : FIRST_BATCH));
    this.#opened = true;
    this.#report();
  }

  /** The files to compare with what is known: those that events named, or all there are and were. */
  async #look(): Promise<ReadonlyMap<string, FileSignature | undefined>> {
    const events = this.#events;
    this.#events = new Set();
    const few = events !== "all" && this.#scan ? await lookAt(events, this.#scan) : undefined;
    if (few) return few;
    this.#scan = await scanFiles(this.#paths);
    const { files, folders } = this.#scan;
    if (this.#watcher?.setFolders(folders)) this.#note(undefined);
    const gone = [...this.#known.keys()].filter((file) => !files.has(file));
    return new Map([...gone.map((file) => [file, undefined] as const), ...files]);
  }

  async #parse(file: string, text: string): Promise<ParseResult> {
    const documents: ParsedDocument[] = [];
    const diagnostics: Diagnostic[] = [];
    for await (const result of streamDocuments(text, { ...this.#options, file })) {
      for (const document of result.documents) documents.push(document);
      for (const diagnostic of result.diagnostics) diagnostics.push(diagnostic);
    }
    return { documents, diagnostics };
  }

  #report(): void {
    const { onDiagnostics } = this.#options;
    if (onDiagnostics === undefined) return;
    const diagnostics = this.diagnostics();
    const text = JSON.stringify(diagnostics);
    if (text === this.#reported || (this.#reported === "" && diagnostics.length === 0)) return;
    this.#reported = text;
    onDiagnostics(diagnostics);
  }
}

/** Objects told at once while a folder is read for the first time. */
const FIRST_BATCH = 4096;
/** Milliseconds after which other work gets its turn. */
const SLICE = 10;

/** Runs steps to their end, with a turn of the event loop whenever they took long. */
async function givingWay<T>(steps: Generator<void, T>): Promise<T> {
  let step = steps.next();
  for (let end = performance.now() + SLICE; !step.done; step = steps.next()) {
    if (performance.now() < end) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    end = performance.now() + SLICE;
  }
  return step.value;
}

function unreadable(file: string, error: Error): ParseResult {
  const position = { file, line: 1, column: 1 };
  const message = `cannot be read: ${error.message}`;
  return { documents: [], diagnostics: [{ code: "unreadable-file", severity: "error", message, path: "", position }] };
}
