const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/**
  * Returns the paths of the numbers in JSON that are not integer literals, such as `value/status`: JSON.parse reads 6.0 as 6.
 * It throws for what I-JSON (RFC 7493) forbids and JSON.parse accepts: a duplicate member, a lone surrogate.
 */
export function fractions(text: string): Set<string> {
  const found = new Set<string>();
  const open: { names: Set<string>; name: string }[] = [];
  let previous = "";
  for (const [part] of text.matchAll(token)) {
    if (part === "{" || part === "[") {
      open.push({ names: new Set(), name: "" });
    } else if (part === "}" || part === "]") {
      open.pop();
    } else if (part === ":") {
      enter(open.at(-1)!, JSON.parse(previous) as string);
    } else if (part.startsWith('"')) {
      refuseLoneSurrogate(part);
    } else if (/^-?[0-9].*[.eE]/.test(part)) {
      found.add(pathOf(open));
    }
    previous = part;
  }
  return found;
}

function enter(object: { names: Set<string>; name: string }, name: string): void {
  if (object.names.has(name)) {
    throw new SyntaxError("duplicate member");
  }
  object.names.add(name);
  object.name = name;
}

function refuseLoneSurrogate(quoted: string): void {
  // Only an escape can contain one: the text was decoded from UTF-8.
  if (quoted.includes("\\u") && /\p{Surrogate}/u.test(JSON.parse(quoted) as string)) {
    throw new SyntaxError("lone surrogate");
  }
}

function pathOf(open: readonly { name: string }[]): string {
  return open
    .map(({ name }) => name)
    .filter((name) => name !== "")
    .join("/");
}
