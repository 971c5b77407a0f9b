export { type BootstrapOptions, bootstrap } from "./bootstrap.ts";
export { type Build, type Generated, type Generator, generated, type Provenance, type Source } from "./generated.ts";
export { GENERATORS, type GeneratorName } from "./generators.ts";
export {
  BLACKHOLE_CLUSTER,
  type ClusterNameParts,
  clusterName,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
  parseClusterName,
  SDS_CLUSTER,
  sniClusterName,
} from "./names.ts";
export { type ProxyStart, proxyStart } from "./proxy-start.ts";
export { secretNames, secretNamesOf } from "./secret-names.ts";
export { generateUnit, type Translation, translate } from "./translate.ts";
