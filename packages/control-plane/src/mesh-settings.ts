import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  defaultMeshConfig,
  type MeshConfig,
  type MeshNetworks,
  parseMeshConfig,
  parseMeshNetworks,
} from "@fairlead/config";
import type { Diagnostic, ObjectRef, Position, Unsubscribe } from "@fairlead/model";
import type { MeshSettings } from "./mesh-feed.ts";

/** Settings that somebody holds and closes. */
export interface HeldSettings extends MeshSettings {
  readonly diagnostics: readonly Diagnostic[];
  /** Where a field of MeshConfig or MeshNetworks is written. */
  locate(object: ObjectRef, path: string): Position | undefined;
  close(): void;
}

/** Settings that do not change. What is not given has Istio's defaults. */
export function fixedSettings(meshConfig?: MeshConfig, meshNetworks?: MeshNetworks): HeldSettings {
  return {
    meshConfig: { ...defaultMeshConfig(), ...meshConfig },
    meshNetworks,
    diagnostics: [],
    locate: () => undefined,
    subscribe: () => () => undefined,
    close: () => undefined,
  };
}

export interface SettingsFiles {
  /** Path of a MeshConfig document. */
  readonly meshConfig?: string;
  /** Path of a MeshNetworks document. */
  readonly meshNetworks?: string;
}

/** Settings of files, watched. A file that becomes unreadable or invalid leaves the last good settings in force. */
export class FileSettings implements HeldSettings {
  meshConfig: MeshConfig = defaultMeshConfig();
  meshNetworks: MeshNetworks | undefined;
  readonly #problems = new Map<string, readonly Diagnostic[]>();
  readonly #places = new Map<string, (path: string) => Position | undefined>();
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Map<string, () => void>();
  readonly #files: SettingsFiles;

  private constructor(files: SettingsFiles) {
    this.#files = files;
  }

  /** Reads the files and watches them until `close`. Rejects when one cannot be read at all. */
  static async open(files: SettingsFiles): Promise<FileSettings> {
    const settings = new FileSettings(files);
    for (const path of settings.#paths()) settings.#take(path, await readFile(path, "utf8"));
    for (const path of settings.#paths()) {
      const watcher = () => void settings.#reload(path);
      settings.#watchers.set(path, watcher);
      watchFile(path, { interval: 500, persistent: false }, watcher);
    }
    return settings;
  }

  get diagnostics(): readonly Diagnostic[] {
    return [...this.#problems.values()].flat();
  }

  locate({ kind }: ObjectRef, path: string): Position | undefined {
    return this.#places.get(kind)?.(path);
  }

  subscribe(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    for (const [path, watcher] of this.#watchers) unwatchFile(path, watcher);
    this.#listeners.clear();
  }

  #paths(): string[] {
    return [this.#files.meshConfig, this.#files.meshNetworks].filter((path) => path !== undefined);
  }

  async #reload(path: string): Promise<void> {
    try {
      this.#take(path, await readFile(path, "utf8"));
    } catch (error) {
      const message = `cannot be read, the last good settings stay in force: ${(error as Error).message}`;
      this.#problems.set(path, [
        { code: "unreadable", severity: "error", path: "", message, position: { file: path, line: 1, column: 1 } },
      ]);
    }
    for (const listener of [...this.#listeners]) listener();
  }

  #take(path: string, text: string): void {
    if (path === this.#files.meshConfig) {
      const { meshConfig, diagnostics, locate } = parseMeshConfig(text, { file: path });
      this.#problems.set(path, diagnostics);
      if (!meshConfig) return;
      this.meshConfig = meshConfig;
      this.#places.set("MeshConfig", locate);
    } else {
      const { meshNetworks, diagnostics, locate } = parseMeshNetworks(text, { file: path });
      this.#problems.set(path, diagnostics);
      if (!meshNetworks) return;
      this.meshNetworks = meshNetworks;
      this.#places.set("MeshNetworks", locate);
    }
  }
}
