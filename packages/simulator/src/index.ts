export { type Call, evaluateResources } from "./evaluate-resources.ts";
