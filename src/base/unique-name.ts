// Makes a name unique by a number at its end.

/** The wanted name, with the first number from 2 that makes it unique if it is taken. Adds the result to `taken`. */
export function uniqueName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
  taken.add(name);
  return name;
}
