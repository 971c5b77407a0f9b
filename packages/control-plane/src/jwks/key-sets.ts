import type { KeySet, WantedKeySet } from "@fairlead/mesh";
import { MemoryCollection } from "@fairlead/model";
import type { Clock } from "../scheduler.ts";

export interface KeySetsOptions {
  readonly fetch: (wanted: WantedKeySet) => Promise<string>;
  readonly clock: Clock;
  /** Between two fetches that go well. Milliseconds. */
  readonly refresh: number;
}

/** First wait after a failure, which doubles; and the longest, milliseconds. */
const RETRY = { first: 1_000, longest: 3_600_000 };
/** Keys that could not be fetched again are believed for so long. Milliseconds. */
const LAST_GOOD = 7 * 24 * 3_600_000;

interface Entry {
  wanted: WantedKeySet;
  keys: string | undefined;
  fetchedAt: number;
  failures: number;
  cancel: (() => void) | undefined;
  /** Ends with the fetch under way. */
  busy: Promise<void> | undefined;
}

/**
 * Key sets by URL, kept fresh. The last good one stays when a fetch fails, for a week; one that never could be fetched is
 * there with its problem. The owner closes it.
 */
export class KeySets extends MemoryCollection<KeySet> {
  readonly #options: KeySetsOptions;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(options: KeySetsOptions) {
    super();
    this.#options = options;
  }

  /** Says which are needed now; others are forgotten. Gives a promise that resolves when each has been tried. */
  want(wanted: readonly WantedKeySet[]): Promise<unknown> {
    const byUrl = new Map(wanted.map((one) => [one.url, one]));
    for (const [url, { cancel }] of this.#entries)
      if (!byUrl.has(url)) {
        cancel?.();
        this.#entries.delete(url);
        this.delete(url);
      }
    if (this.#closed) return Promise.resolve();
    for (const one of byUrl.values()) {
      const known = this.#entries.get(one.url);
      if (known) known.wanted = one;
      else {
        const entry: Entry = {
          wanted: one,
          keys: undefined,
          fetchedAt: 0,
          failures: 0,
          cancel: undefined,
          busy: undefined,
        };
        this.#entries.set(one.url, entry);
        this.#fetch(entry);
      }
    }
    return Promise.all([...this.#entries.values()].map(({ busy }) => busy));
  }

  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#entries.values()) cancel?.();
    this.#entries.clear();
  }

  #fetch(entry: Entry): void {
    const { clock, fetch, refresh } = this.#options;
    const { url } = entry.wanted;
    const mine = () => !this.#closed && this.#entries.get(url) === entry;
    entry.cancel = undefined;
    entry.busy = fetch(entry.wanted)
      .then(
        (keys) => {
          if (!mine()) return refresh;
          Object.assign(entry, { keys, fetchedAt: clock.now(), failures: 0 });
          this.set(url, { keys });
          return refresh;
        },
        (error: unknown) => {
          if (!mine()) return refresh;
          const wait = Math.min(RETRY.first * 2 ** entry.failures++, RETRY.longest);
          if (entry.keys !== undefined && clock.now() - entry.fetchedAt > LAST_GOOD) entry.keys = undefined;
          if (entry.keys === undefined)
            this.set(url, {
              problem: `the keys could not be fetched: ${error instanceof Error ? error.message : error}`,
            });
          return Math.min(wait, refresh);
        },
      )
      .then((wait) => {
        entry.busy = undefined;
        if (mine()) entry.cancel = clock.after(wait, () => this.#fetch(entry));
      });
  }
}
