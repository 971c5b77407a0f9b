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
import type { ConfigStore } from "./store.ts";

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
  readonly #claims = new Map<string, readonly ParsedDocument[]>();

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
    const touched = new Set<string>();
    for (const [file, result] of edits) {
      const before = this.#files.get(file);
      for (const document of before?.documents ?? []) this.#withdraw(document, touched);
      if (result === undefined) {
        this.#files.delete(file);
        continue;
      }
      const state = { documents: inForce(result, before?.documents ?? []), diagnostics: result.diagnostics };
      this.#files.set(file, state);
      for (const document of state.documents) this.#claim(document, touched);
    }
    const objects: [string, ConfigObject | undefined][] = [];
    const foreign: [string, ParsedDocument | undefined][] = [];
    for (const claim of touched) {
      const winner = this.#claims.get(claim)?.[0];
      const key = claim.slice(claim.indexOf(" ") + 1);
      if (claim.startsWith("config ")) objects.push([key, winner?.object]);
      else foreign.push([key, winner]);
    }
    this.objects.apply(objects);
    this.#foreign.apply(foreign);
  }

  #claim(document: ParsedDocument, touched: Set<string>): void {
    const claim = claimOf(document);
    const claims = [...(this.#claims.get(claim) ?? []), document];
    claims.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
    this.#claims.set(claim, claims);
    touched.add(claim);
  }

  #withdraw(document: ParsedDocument, touched: Set<string>): void {
    const claim = claimOf(document);
    const claims = (this.#claims.get(claim) ?? []).filter((other) => other !== document);
    if (claims.length > 0) this.#claims.set(claim, claims);
    else this.#claims.delete(claim);
    touched.add(claim);
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

function isGood({ object, apiVersion, kind, diagnostics }: ParsedDocument): boolean {
  if (gatewayApiKindOf(apiVersion, kind)) return !diagnostics.some(({ severity }) => severity === "error");
  return object !== undefined || kindOf(apiVersion, kind) === undefined;
}

function inForce(result: ParseResult, before: readonly ParsedDocument[]): readonly ParsedDocument[] {
  const good = result.documents.filter(isGood);
  const taken = new Set(good.map(claimOf));
  const broken = new Set(result.documents.filter((document) => !isGood(document)).map(claimOf));
  // Where something cannot be told what it is (unreadable, of a mistyped kind, without name), nothing that the text held
  // before and does not hold now is given up.
  const unclear = result.diagnostics.some(
    ({ severity, object, code }) =>
      severity === "error" && (object === undefined || object.name === "" || code === "unknown-kind"),
  );
  const kept = before.filter((document) => {
    const claim = claimOf(document);
    return !taken.has(claim) && (unclear || broken.has(claim));
  });
  return [...good, ...kept];
}
