import { isDeepStrictEqual } from "node:util";
import { Analysis, type Suppression } from "@fairlead/analysis";
import { type ParsedDocument, parseDocuments } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { validate as envoy } from "@fairlead/xds/proto";
import type { TextFile } from "./input.ts";
import type { Settings } from "./mesh-input.ts";

interface ReadFile {
  readonly text: string;
  readonly documents: readonly ParsedDocument[];
  readonly unreadable: readonly Diagnostic[];
}

/** What is found in files, again and again: a file whose text is the same is not read again, and only what depends on the others is judged. */
export class RunningAnalysis {
  readonly #suppress: readonly Suppression[];
  #settings: Settings | undefined;
  #analysis = new Analysis();
  #files = new Map<string, ReadFile>();

  readonly #defaultNamespace: string;

  /** `defaultNamespace`: of documents that name none. Default: none is made up, as Istio's analyzers have it for files. */
  constructor(
    suppress: readonly Suppression[],
    { defaultNamespace = "" }: { readonly defaultNamespace?: string } = {},
  ) {
    this.#suppress = suppress;
    this.#defaultNamespace = defaultNamespace;
  }

  /** @returns the findings, what cannot be read first, and how many documents there are. */
  update(files: readonly TextFile[], settings: Settings): { readonly found: Diagnostic[]; readonly documents: number } {
    if (!isDeepStrictEqual(settings, this.#settings)) {
      const { meshConfig, meshNetworks } = settings;
      this.#settings = settings;
      this.#analysis = new Analysis({
        meshConfig,
        ...(meshNetworks ? { meshNetworks } : {}),
        suppress: this.#suppress,
      });
      this.#files = new Map();
    }
    const before = this.#files;
    this.#files = new Map();
    const changed = new Map<string, readonly ParsedDocument[]>();
    for (const { file, text } of files) {
      const known = before.get(file);
      const read = known?.text === text ? known : readFile({ file, text }, this.#defaultNamespace);
      this.#files.set(file, read);
      if (read !== known) changed.set(file, read.documents);
    }
    for (const file of before.keys()) if (!this.#files.has(file)) changed.set(file, []);
    this.#analysis.update(changed);
    const all = [...this.#files.values()];
    return {
      found: [...all.flatMap(({ unreadable }) => unreadable), ...this.#analysis.findings],
      documents: all.reduce((sum, { documents }) => sum + documents.length, 0),
    };
  }
}

/** As Istio's analyzers read: of equal keys the last counts. */
function readFile({ file, text }: TextFile, defaultNamespace: string): ReadFile {
  const { documents, diagnostics } = parseDocuments(text, {
    file,
    defaultNamespace,
    duplicateKeys: "last",
    envoy,
  });
  const told = new Set(documents.flatMap((document) => document.diagnostics));
  // What cannot be read as a document breaks the schema in the largest way there is.
  const faults = diagnostics.filter((diagnostic) => !told.has(diagnostic));
  return { text, documents, unreadable: faults.map((fault) => ({ ...fault, code: "IST0106" })) };
}
