import { stringify } from "yaml";
import { type ConfigObject, refOf } from "./object.ts";
import { kubernetesTags } from "./parse/yaml.ts";

/** The object as Kubernetes writes it: JSON with the fields in their usual order, nothing empty in the metadata. */
export function toKubernetes(object: ConfigObject): Readonly<Record<string, unknown>> {
  const { name, namespace } = refOf(object);
  const { labels, annotations, creationTimestamp, resourceVersion, generation, uid } = object.metadata;
  const metadata = {
    name,
    ...(namespace !== "" && { namespace }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(generation !== undefined && { generation }),
    ...(uid !== undefined && { uid }),
  };
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata,
    spec: object.spec,
    ...(object.status !== undefined && { status: object.status }),
  };
}

/** YAML of one or more objects; what Kubernetes would take for something else (`yes`, `0644`) is quoted. */
export function printYaml(...objects: readonly ConfigObject[]): string {
  return objects.map((object) => printDocument(toKubernetes(object))).join("---\n");
}

/** YAML of any JSON value, read back as the same by {@link parseDocuments} and by Kubernetes. */
export function printDocument(value: unknown): string {
  return stringify(value, { schema: "core", customTags: kubernetesTags, lineWidth: 0, aliasDuplicateObjects: false });
}
