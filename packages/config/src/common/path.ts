/** One step into an object: a field or map key, or an index. */
export type PathSegment = string | number;

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;
const STEP = /\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;

/** `spec.http[0].headers["x.y"]`. Keys that are no plain words are quoted. */
export function formatPath(path: readonly PathSegment[]): string {
  let text = "";
  for (const segment of path)
    if (typeof segment === "number") text += `[${segment}]`;
    else if (PLAIN_KEY.test(segment)) text += text === "" ? segment : `.${segment}`;
    else text += `[${JSON.stringify(segment)}]`;
  return text;
}

/** The inverse of {@link formatPath}; undefined when the text is no path. */
export function parsePath(text: string): PathSegment[] | undefined {
  const path: PathSegment[] = [];
  for (let index = 0; index < text.length; index = STEP.lastIndex) {
    STEP.lastIndex = index;
    const step = STEP.exec(text);
    if (!step) return undefined;
    const [, key, number, quoted] = step;
    if (key !== undefined) path.push(key);
    else if (number !== undefined) path.push(Number(number));
    else path.push(JSON.parse(`"${quoted}"`) as string);
  }
  return path;
}
