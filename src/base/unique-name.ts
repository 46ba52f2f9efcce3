// Makes a name unique by a number at its end.

/**
 * The wanted name, with the first number from 2 that makes it unique if it is taken. Adds the result to `taken`.
 *
 * @param keyOf what has to be unique about a name; the name itself by default.
 */
export function uniqueName(
  wanted: string,
  taken: Set<string>,
  keyOf: (name: string) => string = (name) => name,
): string {
  let name = wanted;
  for (let i = 2; taken.has(keyOf(name)); i++) name = `${wanted}-${i}`;
  taken.add(keyOf(name));
  return name;
}
