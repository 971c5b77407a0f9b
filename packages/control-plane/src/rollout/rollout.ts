import type { Mesh } from "@fairlead/mesh";
import type { NodeJson, ObjectRef, Unsubscribe } from "@fairlead/model";
import type { ClientStatus, DiscoveryServer, NackEvent } from "@fairlead/xds/server";
import type { Clock } from "../scheduler.ts";
import type { RolloutSource } from "./rollout-source.ts";
import { isOfStage, type RolloutStage } from "./stage.ts";

export interface RolloutOptions {
  /** One after the other; each keeps those before. After the last one everybody follows. */
  readonly stages: readonly RolloutStage[];
  /** Milliseconds within which the proxies of a stage must have accepted everything. Default 30,000. */
  readonly timeout?: number;
  /** Asked at the end of each stage; false, or a throw, halts. Default: fine. */
  readonly healthy?: (stage: number, proxies: readonly NodeJson[]) => boolean | Promise<boolean>;
  /** Called with each new status. */
  readonly onStatus?: (status: RolloutStatus) => void;
}

/**
 * How far a configuration is. `done`: everybody has it. `halted`: it was taken back, everybody has the one before; the next
 * change of configuration begins anew.
 */
export type RolloutStatus =
  | { readonly phase: "done" }
  | { readonly phase: "rolling"; readonly stage: number; readonly proxies: number }
  | {
      readonly phase: "halted";
      readonly stage: number;
      readonly reason: string;
      /** Where a proxy refused it: the objects that are behind what it refused. */
      readonly sources: readonly ObjectRef[];
    };

/** How often proxies are looked at, in milliseconds. */
const LOOK = 25;

export interface RolloutContext {
  readonly options: RolloutOptions;
  readonly source: RolloutSource;
  readonly server: DiscoveryServer;
  readonly clock: Clock;
  /** Everybody has the candidate: it is what is held from now on. */
  readonly promoted: () => void;
}

/** Gives a new configuration to more and more proxies, as long as none refuses it and all are well. */
export class Rollout {
  readonly #context: RolloutContext;
  readonly #forget: Unsubscribe;
  #status: RolloutStatus = { phase: "done" };
  #cancel: (() => void) | undefined;
  /** Of the run: what belongs to an earlier one does nothing. */
  #run = 0;

  constructor(context: RolloutContext) {
    this.#context = context;
    this.#forget = context.server.on("nack", (event) => this.#refused(event));
  }

  get status(): RolloutStatus {
    return this.#status;
  }

  /**
   * @param candidate the mesh with the configuration as it is meant. @param stable without what is not yet everybody's.
   * @param isNew whether configuration has changed, which begins a rollout; anything else goes to all at once.
   */
  update(candidate: Mesh, stable: Mesh, isNew: boolean): void {
    const { source } = this.#context;
    source.update(stable);
    if (isNew) {
      source.begin(candidate);
      this.#enter(0, ++this.#run);
    } else source.updateCandidate(candidate);
  }

  close(): void {
    this.#run++;
    this.#cancel?.();
    this.#forget();
  }

  #enter(stage: number, run: number): void {
    const { source, clock, options } = this.#context;
    const meant = options.stages.slice(0, stage + 1);
    const isLast = stage >= options.stages.length;
    source.assign(isLast ? () => true : (node) => meant.some((one) => isOfStage(one, node)));
    const end = clock.now() + (options.timeout ?? 30_000);
    this.#tell({ phase: "rolling", stage, proxies: this.#cohort().length });
    const look = () => {
      if (run !== this.#run) return;
      const late = this.#cohort().filter(({ types }) => types.some(({ synced }) => !synced));
      if (late.length === 0) return void this.#soaked(stage, run, isLast);
      if (clock.now() >= end) {
        const names = late.slice(0, 10).map(({ node }) => node.id);
        return this.#halt(stage, `${late.length} proxies have not accepted it in time: ${names.join(", ")}`, []);
      }
      this.#cancel = clock.after(LOOK, look);
    };
    // What was moved reaches the streams in the next turns of the event loop.
    this.#cancel = clock.after(LOOK, look);
  }

  async #soaked(stage: number, run: number, isLast: boolean): Promise<void> {
    const { clock, options, source, promoted } = this.#context;
    const soak = options.stages[stage]?.soak ?? 0;
    if (soak > 0) await new Promise<void>((resolve) => (this.#cancel = clock.after(soak, resolve)));
    if (run !== this.#run) return;
    try {
      const proxies = this.#cohort().map(({ node }) => node);
      if ((await options.healthy?.(stage, proxies)) === false && run === this.#run)
        return this.#halt(stage, "they are not healthy with it", []);
    } catch (error) {
      if (run === this.#run) this.#halt(stage, `their health is not known: ${String(error)}`, []);
      return;
    }
    if (run !== this.#run) return;
    if (!isLast) return this.#enter(stage + 1, run);
    source.promote();
    promoted();
    this.#tell({ phase: "done" });
  }

  #refused({ client, type, message, resources, attribution }: NackEvent): void {
    if (this.#status.phase !== "rolling" || !this.#context.source.hasCandidate(client.node)) return;
    const sources = attribution === "candidates" ? [] : resources.flatMap((resource) => [...resource.sources]);
    this.#halt(this.#status.stage, `${client.node.id} refuses ${type.shortName}: ${message}`, sources);
  }

  #halt(stage: number, reason: string, sources: readonly ObjectRef[]): void {
    this.#run++;
    this.#cancel?.();
    this.#context.source.abandon();
    this.#tell({ phase: "halted", stage, reason, sources });
  }

  /** The proxies that have been given the candidate. */
  #cohort(): readonly ClientStatus[] {
    const { server, source } = this.#context;
    return server.clients().filter(({ node }) => source.hasCandidate(node));
  }

  #tell(status: RolloutStatus): void {
    this.#status = status;
    this.#context.options.onStatus?.(status);
  }
}
