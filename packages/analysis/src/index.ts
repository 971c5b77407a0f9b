export { type AnalyzeOptions, analyze } from "./analyze.ts";
export { CATALOGUE, type Code } from "./catalogue.ts";
export { analyzeClusters } from "./clusters.ts";
export { analyzeExtra, EXTRA_RULES } from "./extra.ts";
export { type Input, type Resource, resourceName } from "./input.ts";
export type { Report, Rule } from "./rule.ts";
export { RULES } from "./rules.ts";
export type { Suppression } from "./suppression.ts";
