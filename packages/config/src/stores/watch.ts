import { type FSWatcher, watch } from "node:fs";
import { basename, join } from "node:path";

/** Watches a changing set of folders; looks at intervals where the system cannot watch. */
export interface Watcher {
  /** Answers whether folders were added: what happened in them before may have gone unseen. */
  setFolders(folders: ReadonlySet<string>): boolean;
  close(): void;
}

/**
 * Calls `changed` on any event in the folders, with the path of what changed where the system tells. Polling starts for good
 * once one folder cannot be watched.
 */
export function watchFolders(changed: (path?: string) => void, pollInterval: number): Watcher {
  const watchers = new Map<string, FSWatcher>();
  let poll: NodeJS.Timeout | undefined;
  let closed = false;
  const drop = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const startPolling = () => {
    if (!closed) poll ??= setInterval(() => changed(), pollInterval);
  };
  return {
    setFolders(folders) {
      if (closed) return false;
      let added = false;
      for (const folder of [...watchers.keys()]) if (!folders.has(folder)) drop(folder);
      for (const folder of folders) {
        if (watchers.has(folder)) continue;
        try {
          const watcher = watch(folder, { persistent: true }, (_event, name) => {
            // The folder's own name stands for the folder itself: moved or gone, and another may be in its place already.
            const itself = name === basename(folder);
            if (itself && watchers.get(folder) === watcher) drop(folder);
            changed(name === null || itself ? undefined : join(folder, name));
          });
          // A folder that is removed gives an error here; the next scan tells whether it is back.
          watcher.on("error", () => {
            drop(folder);
            startPolling();
            changed();
          });
          watchers.set(folder, watcher);
          added = true;
        } catch {
          startPolling();
        }
      }
      return added;
    },
    close() {
      closed = true;
      clearInterval(poll);
      for (const folder of [...watchers.keys()]) drop(folder);
    },
  };
}
