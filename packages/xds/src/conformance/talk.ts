import type { NodeJson } from "@fairlead/model";
import type { Update } from "../client/update.ts";
import { openRawStream, type RawStream, type RawStreamOptions } from "./raw-stream.ts";

/** What a server did against the protocol. */
export class Violation extends Error {}

/** The server has nothing by which it could be told. */
export class NotApplicable extends Error {}

export interface TalkOptions extends RawStreamOptions {
  readonly node: NodeJson;
  /** Milliseconds that an answer may take. Default 5,000. */
  readonly patience?: number;
  /** Milliseconds without an answer that count as none. Default 300. */
  readonly silence?: number;
}

/** A stream in the words of the protocol, the same for both variants of it. */
export class Talk implements Disposable {
  readonly #stream: RawStream;
  readonly #options: TalkOptions;
  readonly #names = new Map<string, Set<string>>();

  constructor(mode: RawStream["mode"], options: TalkOptions) {
    this.#options = options;
    this.#stream = openRawStream(mode, options.node, options);
  }

  get mode(): RawStream["mode"] {
    return this.#stream.mode;
  }

  get order(): readonly string[] {
    return this.#stream.order;
  }

  /** Asks for names; none: for everything, as Envoy does at first. */
  subscribe(typeUrl: string, names: readonly string[] = [], extra: object = {}): void {
    const known = this.#names.get(typeUrl) ?? new Set();
    this.#names.set(typeUrl, known);
    for (const name of names) known.add(name);
    this.#stream.send(
      this.mode === "delta"
        ? { typeUrl, resourceNamesSubscribe: names, ...extra }
        : { typeUrl, resourceNames: [...known], ...extra },
    );
  }

  /** Accepts a response, or refuses it. */
  answer({ typeUrl, nonce, version }: Update, refusal?: string, acceptedVersion = version): void {
    const detail = refusal === undefined ? {} : { errorDetail: { code: 3, message: refusal } };
    this.#stream.send(
      this.mode === "delta"
        ? { typeUrl, responseNonce: nonce, ...detail }
        : {
            typeUrl,
            responseNonce: nonce,
            versionInfo: refusal === undefined ? acceptedVersion : "",
            resourceNames: [...(this.#names.get(typeUrl) ?? [])],
            ...detail,
          },
    );
  }

  send(request: object): void {
    this.#stream.send(request);
  }

  /** The answer to what was asked. */
  async expect(typeUrl: string, what: string): Promise<Update> {
    const update = await this.#stream.next(typeUrl, this.#options.patience ?? 5_000);
    if (update) return update;
    const end = await this.#stream.ended(0);
    throw new Violation(
      `${what} is not answered${end ? `: the stream ended with status ${end.code}, ${end.message}` : ""}`,
    );
  }

  /** What comes within the time that counts as silence. */
  within(typeUrl: string): Promise<Update | undefined> {
    return this.#stream.next(typeUrl, this.#options.silence ?? 300);
  }

  ended(): ReturnType<RawStream["ended"]> {
    return this.#stream.ended(this.#options.patience ?? 5_000);
  }

  [Symbol.dispose](): void {
    this.#stream.close();
  }
}
