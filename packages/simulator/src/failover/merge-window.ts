import { parseDuration } from "@fairlead/config";
import type { Cluster } from "../envoy.ts";
import type { Host } from "./host.ts";

/**
 * When a load balancer hears that hosts fell ill or recovered: at once, unless the last such news is younger than the window. Then all
 * that is new is told together, one window later. Hosts that come or go are told at once, with what was waiting. Source:
 * `update_merge_window` of CommonLbConfig, 1 s where nothing is said.
 */
export class MergeWindow {
  readonly #window: number;
  readonly #hosts: readonly Host[];
  #last = Number.NEGATIVE_INFINITY;
  #dueAt: number | undefined;

  constructor({ commonLbConfig }: Cluster, hosts: readonly Host[]) {
    this.#window = parseDuration(commonLbConfig?.updateMergeWindow ?? "1s") ?? 1000;
    this.#hosts = hosts;
  }

  /** When what is waiting is told. */
  get dueAt(): number | undefined {
    return this.#dueAt;
  }

  /** Looks at the hosts. `joined`: some came or went. Gives what the load balancer hears late. */
  update(now: number, joined: boolean): readonly string[] {
    const news = this.#hosts.filter((host) => isIll(host) !== host.isHeldIll);
    if (news.length === 0 && this.#dueAt === undefined) return [];
    const late = this.#dueAt !== undefined && now >= this.#dueAt;
    if (!joined && !late && now - this.#last <= this.#window) {
      this.#dueAt ??= now + this.#window;
      return [];
    }
    // The control plane tells of many at once; ejections are told one by one.
    const reported = news.filter(({ fault }) => fault === "unhealthy");
    const told = joined || late ? news : reported.length > 0 ? reported : news.slice(0, 1);
    for (const host of told) host.isHeldIll = isIll(host);
    this.#last = now;
    this.#dueAt = told.length < news.length ? now + this.#window : undefined;
    return late && news.length > 0
      ? [`the load balancer hears of ${news.map(({ address }) => address).join(", ")}`]
      : [];
  }
}

const isIll = ({ fault, ejectedAt }: Host) => fault === "unhealthy" || ejectedAt !== undefined;
