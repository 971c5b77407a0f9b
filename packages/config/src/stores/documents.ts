import {
  type Collection,
  type Diagnostic,
  MemoryCollection,
  type ObjectRef,
  objectKey,
  type Position,
  structurallyEqual,
} from "@fairlead/model";
import { gatewayApiKindOf } from "../gateway-api/kinds.ts";
import { kindOf } from "../kinds.ts";
import type { ConfigObject } from "../object.ts";
import { type ParsedDocument, type ParseOptions, type ParseResult, parseDocuments } from "../parse/documents.ts";
import { HeldObjects } from "./held-objects.ts";
import { type ConfigStore, sameMeaning } from "./store.ts";

/** A store over texts. Objects that are no configuration (Services, Pods, …) are in {@link documents}. */
export interface DocumentStore extends ConfigStore {
  /**
   * Kubernetes objects of other kinds, by `objectKey`. Outside Kubernetes' own API groups the group is part of the kind
   * (`Service.serving.knative.dev/default/web`), so that namesakes do not meet.
   */
  readonly documents: Collection<ParsedDocument>;
}

/** A document store whose texts a program sets. */
export interface TextStore extends DocumentStore {
  /** Sets (or with undefined removes) whole texts by file name, in one batch. */
  set(texts: Readonly<Record<string, string | undefined>>): void;
}

/** A store over YAML or JSON texts by file name: what `directoryStore` is for folders, without a file system. */
export function textStore(
  texts: Readonly<Record<string, string>> = {},
  options: Omit<ParseOptions, "file"> = {},
): TextStore {
  const set = new DocumentSet();
  const apply = (edits: Readonly<Record<string, string | undefined>>) =>
    set.apply(
      Object.entries(edits).map(([file, text]) => [
        file,
        text === undefined ? undefined : parseDocuments(text, { ...options, file }),
      ]),
    );
  apply(texts);
  return Object.assign(set, { set: apply });
}

interface FileState {
  /** What is in force from this file: its good documents, and the last good version of those that broke. */
  readonly documents: readonly ParsedDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What a set will hold, worked out. */
export interface StagedDocuments {
  readonly files: ReadonlyMap<string, FileState | undefined>;
  readonly claims: Map<string, readonly ParsedDocument[]>;
  readonly objects: readonly (readonly [string, ConfigObject | undefined])[];
  readonly foreign: readonly (readonly [string, ParsedDocument | undefined])[];
}

/** Documents between two yields of `stage`. */
const STEP = 256;
const NOTHING: readonly ParsedDocument[] = [];

/**
 * Documents by file, and which of them are in force: where several claim one key, the first by file name and line. A
 * broken document leaves its last good version in force; an unreadable text leaves all that was in it.
 */
export class DocumentSet extends HeldObjects implements DocumentStore {
  ready: Promise<void> = Promise.resolve();
  readonly documents: Collection<ParsedDocument>;
  readonly #foreign = new MemoryCollection<ParsedDocument>((a, b) => structurallyEqual(a.value, b.value));
  readonly #files = new Map<string, FileState>();
  /** Key to the documents that claim it, the one in force first. */
  #claims = new Map<string, readonly ParsedDocument[]>();

  constructor() {
    super();
    this.documents = this.#foreign;
  }

  diagnostics(): readonly Diagnostic[] {
    const files = [...this.#files].sort(([a], [b]) => (a < b ? -1 : 1));
    return [...files.flatMap(([, { diagnostics }]) => diagnostics), ...this.#duplicates()];
  }

  locate(ref: ObjectRef, path: string): Position | undefined {
    return (this.documentOf(ref) ?? this.#claims.get(`other ${objectKey(ref)}`)?.[0])?.locate(path);
  }

  /** The document in force of a configuration object. */
  protected documentOf(ref: ObjectRef): ParsedDocument | undefined {
    return this.#claims.get(`config ${objectKey(ref)}`)?.[0];
  }

  /** Takes in what was read of files; undefined removes a file and all it held. One batch for the listeners. */
  apply(edits: Iterable<readonly [file: string, result: ParseResult | undefined]>): void {
    const staging = this.stage(edits);
    let step = staging.next();
    while (!step.done) step = staging.next();
    for (const _ of this.commit(step.value, Number.POSITIVE_INFINITY));
  }

  /**
   * The same in two parts, for many documents: the work, which changes nothing yet and yields after every few of them, and
   * {@link commit}. Nothing else may be applied in between.
   */
  protected *stage(
    edits: Iterable<readonly [file: string, result: ParseResult | undefined]>,
  ): Generator<void, StagedDocuments> {
    const files = new Map<string, FileState | undefined>();
    const claims = new Map<string, readonly ParsedDocument[]>();
    const claimsOf = (claim: string) => claims.get(claim) ?? this.#claims.get(claim) ?? NOTHING;
    let steps = 0;
    for (const [file, result] of edits) {
      const before = files.has(file) ? files.get(file) : this.#files.get(file);
      for (const document of before?.documents ?? NOTHING) {
        const claim = claimOf(document);
        claims.set(
          claim,
          claimsOf(claim).filter((other) => other !== document),
        );
        if (++steps % STEP === 0) yield;
      }
      const state = result && {
        documents: yield* inForce(result, before?.documents ?? NOTHING),
        diagnostics: result.diagnostics,
      };
      files.set(file, state);
      for (const document of state?.documents ?? NOTHING) {
        const claim = claimOf(document);
        const others = claimsOf(claim);
        claims.set(claim, others.length === 0 ? [document] : [...others, document].sort(byPlace));
        if (++steps % STEP === 0) yield;
      }
    }
    const objects: [string, ConfigObject | undefined][] = [];
    const foreign: [string, ParsedDocument | undefined][] = [];
    for (const [claim, [winner]] of claims) {
      const key = claim.slice(claim.indexOf(" ") + 1);
      // What means the same is not taken in again, so it is not compared again either.
      if (!claim.startsWith("config ")) foreign.push([key, winner]);
      else if (!isSame(this.objects.get(key), winner?.object)) objects.push([key, winner?.object]);
      if (++steps % STEP === 0) yield;
    }
    return { files, claims, objects, foreign };
  }

  /** Takes in what was staged, at most `size` objects in a batch for the listeners, and yields after each. */
  protected *commit({ files, claims, objects, foreign }: StagedDocuments, size: number): Generator<void, void> {
    for (const [file, state] of files)
      if (state) this.#files.set(file, state);
      else this.#files.delete(file);
    if (this.#claims.size === 0) this.#claims = claims;
    else
      for (const [claim, documents] of claims)
        if (documents.length > 0) this.#claims.set(claim, documents);
        else this.#claims.delete(claim);
    for (const batch of batchesOf(objects, size)) {
      this.objects.apply(batch);
      yield;
    }
    for (const batch of batchesOf(foreign, size)) {
      this.#foreign.apply(batch);
      yield;
    }
  }

  *#duplicates(): Iterable<Diagnostic> {
    for (const [first, ...others] of this.#claims.values())
      for (const other of others) {
        if (first === undefined) continue;
        const { kind, namespace, name, file, line } = other;
        // The same thing said twice hurts nobody.
        const same = structurallyEqual(first.value, other.value);
        yield {
          code: "duplicate-object",
          severity: same ? "info" : "error",
          message: `defined at ${file}:${line} and ${same ? "alike" : "differently"} at ${first.file}:${first.line}; the latter stays in force`,
          path: "",
          object: { kind, namespace, name },
          position: other.locate("metadata.name") ?? { file, line, column: 1 },
        };
      }
  }
}

const PLAIN_GROUP = /^(v\d\w*|(apps|batch|autoscaling|policy|extensions|([\w-]+\.)*k8s\.io)\/.*)$/;

function claimOf({ apiVersion, kind, namespace, name }: ParsedDocument): string {
  if (kindOf(apiVersion, kind) !== undefined) return `config ${objectKey({ kind, namespace, name })}`;
  const qualified = PLAIN_GROUP.test(apiVersion) ? kind : `${kind}.${apiVersion.slice(0, apiVersion.indexOf("/"))}`;
  return `other ${objectKey({ kind: qualified, namespace, name })}`;
}

function byPlace(a: ParsedDocument, b: ParsedDocument): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

function isGood({ object, apiVersion, kind, diagnostics }: ParsedDocument): boolean {
  if (gatewayApiKindOf(apiVersion, kind)) return !diagnostics.some(({ severity }) => severity === "error");
  return object !== undefined || kindOf(apiVersion, kind) === undefined;
}

function* inForce(result: ParseResult, before: readonly ParsedDocument[]): Generator<void, readonly ParsedDocument[]> {
  const found: ParsedDocument[] = [];
  const taken = new Set<string>();
  const broken = new Set<string>();
  for (const [index, document] of result.documents.entries()) {
    const good = isGood(document);
    if (good) found.push(document);
    if (before.length > 0) (good ? taken : broken).add(claimOf(document));
    if (index % STEP === STEP - 1) yield;
  }
  // Where something cannot be told what it is (unreadable, of a mistyped kind, without name), nothing that the text held
  // before and does not hold now is given up.
  const unclear = result.diagnostics.some(
    ({ severity, object, code }) =>
      severity === "error" && (object === undefined || object.name === "" || code === "unknown-kind"),
  );
  for (const [index, document] of before.entries()) {
    const claim = claimOf(document);
    if (!taken.has(claim) && (unclear || broken.has(claim))) found.push(document);
    if (index % STEP === STEP - 1) yield;
  }
  return found;
}

function isSame(a: ConfigObject | undefined, b: ConfigObject | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameMeaning(a, b));
}

function* batchesOf<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  if (items.length <= size) yield items;
  else for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
