// Makes names unique by numbers at their ends.

/** Gives each name that it is asked for at most once: a taken one gets the first number from 2 that makes it unique. */
export class UniqueNames {
  private readonly taken = new Set<string>();
  /** The number to try next, of each name that was taken when it was wanted. */
  private readonly next = new Map<string, number>();

  /** @param keyOf what has to be unique about a name; the name itself by default. */
  constructor(private readonly keyOf: (name: string) => string = (name) => name) {}

  /** Returns the wanted name, or the wanted name with a number. */
  take(wanted: string): string {
    const key = this.keyOf(wanted);
    let name = wanted;
    // Many equal names would otherwise try all numbers of those before them.
    let number = this.next.get(key) ?? 2;
    while (this.taken.has(this.keyOf(name))) name = `${wanted}-${number++}`;
    if (name !== wanted) this.next.set(key, number);
    this.taken.add(this.keyOf(name));
    return name;
  }
}
