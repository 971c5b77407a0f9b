import { XdsError } from "../xds-error.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { FieldTable } from "./table.ts";

/** A field with what writes its value, tag and all. */
export interface FieldWriter {
  readonly field: FieldTable;
  readonly takesNull: boolean;
  write(value: unknown, writer: ByteWriter, depth: number): void;
}

/** Objects with these keys in this order: how they are written in the order of the field numbers. */
export interface Shape {
  readonly keys: readonly string[];
  readonly writers: readonly FieldWriter[];
  /** Several of the fields are of one oneof, so that it must be seen whether they have values. */
  readonly shareOneof: boolean;
}

interface Step {
  /** The first next key and where it leads to; nearly always the only one. */
  key: string | undefined;
  next: Step | undefined;
  others: Map<string, Step> | undefined;
  shape: Shape | undefined;
}

/** How many orders of keys are kept for a message; generators make a few of each. */
const KEPT = 512;

/**
 * Finds the {@link Shape} of objects of one message, worked out once for each order of keys: translation makes thousands of
 * objects with the same keys. `find` gives the writer of a field by either name, and throws for what is none.
 */
export class Shapes {
  readonly #find: (key: string) => FieldWriter;
  readonly #start: Step = step();
  #kept = 0;

  constructor(find: (key: string) => FieldWriter) {
    this.#find = find;
  }

  /** `except` is a key that is passed over. Throws `XdsError` with the key for unknown fields and fields given twice. */
  of(record: Record<string, unknown>, except: string | undefined): Shape {
    let at = this.#start;
    for (const key in record) {
      if (key === except) continue;
      if (at.key === key) at = at.next as Step;
      else {
        const next = this.#step(at, key);
        if (!next) return this.#shape(record, except);
        at = next;
      }
    }
    at.shape ??= this.#shape(record, except);
    return at.shape;
  }

  #step(at: Step, key: string): Step | undefined {
    const known = at.others?.get(key);
    if (known || this.#kept >= KEPT) return known;
    this.#find(key);
    this.#kept++;
    const made = step();
    if (at.key === undefined) {
      at.key = key;
      at.next = made;
    } else {
      at.others ??= new Map();
      at.others.set(key, made);
    }
    return made;
  }

  #shape(record: Record<string, unknown>, except: string | undefined): Shape {
    const found = Object.keys(record)
      .filter((key) => key !== except)
      .map((key) => ({ key, writer: this.#find(key) }))
      .sort((a, b) => a.writer.field.number - b.writer.field.number);
    for (const [index, { key, writer }] of found.entries())
      if (index > 0 && found[index - 1]?.writer === writer)
        throw new XdsError("conflicting-fields", `given twice, as ${found[index - 1]?.key} too`, { path: key });
    const oneofs = found.flatMap(({ writer }) => writer.field.oneof ?? []);
    return {
      keys: found.map(({ key }) => key),
      writers: found.map(({ writer }) => writer),
      shareOneof: new Set(oneofs).size < oneofs.length,
    };
  }
}

function step(): Step {
  return { key: undefined, next: undefined, others: undefined, shape: undefined };
}
