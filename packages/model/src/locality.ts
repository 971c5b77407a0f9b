/** Where something runs, from the widest to the narrowest. Empty strings mean: not known. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

/** Reads `region/zone/subzone`; what is missing is empty. */
export function parseLocality(text: string): Locality {
  const [region = "", zone = "", subzone = ""] = text.split("/");
  return { region, zone, subzone };
}

/** `region/zone/subzone` without trailing empty parts; empty when nothing is known. */
export function formatLocality(locality: Locality): string {
  const { region, zone, subzone } = locality;
  return subzone ? `${region}/${zone}/${subzone}` : zone ? `${region}/${zone}` : region;
}

/** The locality that Kubernetes' well-known topology labels and Istio's `istio-locality` label (`.` for `/`) tell. */
export function localityFromLabels(labels: Readonly<Record<string, string>>): Locality | undefined {
  const istio = labels["istio-locality"];
  if (istio) return parseLocality(istio.includes("/") ? istio : istio.replaceAll(".", "/"));
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"];
  const zone = labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"];
  if (region === undefined && zone === undefined) return undefined;
  return { region: region ?? "", zone: zone ?? "", subzone: labels["topology.istio.io/subzone"] ?? "" };
}
