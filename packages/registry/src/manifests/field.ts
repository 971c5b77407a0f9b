import type { Labels } from "@fairlead/model";

/** Tells that the field at `path` has not the expected shape. */
export type Misfit = (path: string, expected: string) => void;

/**
 * A place in an untrusted document. Reads give the value, or nothing when it is absent; a value of another shape is
 * told to `misfit` and reads as absent. Null is absent, as in YAML and Kubernetes.
 */
export class Field {
  readonly path: string;
  readonly value: unknown;
  readonly #misfit: Misfit;

  constructor(value: unknown, path: string, misfit: Misfit) {
    this.value = value ?? undefined;
    this.path = path;
    this.#misfit = misfit;
  }

  /** The member `key`; absent when this is absent or no mapping. */
  at(key: string): Field {
    const record = this.#record();
    const value = record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
    return new Field(value, this.path ? `${this.path}.${key}` : key, this.#misfit);
  }

  /** The elements of a list; none when absent. */
  items(): readonly Field[] {
    if (this.value === undefined) return [];
    if (Array.isArray(this.value))
      return this.value.map((item, index) => new Field(item, `${this.path}[${index}]`, this.#misfit));
    this.#misfit(this.path, "a list");
    return [];
  }

  text(): string | undefined {
    if (this.value === undefined || typeof this.value === "string") return this.value;
    this.#misfit(this.path, "a text");
    return undefined;
  }

  /** A non-empty text. */
  nonEmptyText(): string | undefined {
    return this.text() || undefined;
  }

  flag(): boolean | undefined {
    if (this.value === undefined || typeof this.value === "boolean") return this.value;
    this.#misfit(this.path, "true or false");
    return undefined;
  }

  /** A port number, 1 to 65535. */
  port(): number | undefined {
    const { value } = this;
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536) return value as number;
    this.#misfit(this.path, "a port number");
    return undefined;
  }

  texts(): readonly string[] {
    return this.items()
      .map((item) => item.text())
      .filter((text) => text !== undefined);
  }

  /** A map of texts, such as labels. */
  labels(): Labels {
    return Object.fromEntries(
      Object.keys(this.#record() ?? {}).flatMap((key) => {
        const text = this.at(key).text();
        return text === undefined ? [] : [[key, text]];
      }),
    );
  }

  #record(): Record<string, unknown> | undefined {
    if (this.value === undefined) return undefined;
    if (typeof this.value === "object" && !Array.isArray(this.value)) return this.value as Record<string, unknown>;
    this.#misfit(this.path, "a mapping");
    return undefined;
  }
}
