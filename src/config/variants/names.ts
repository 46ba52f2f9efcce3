// The names of the network variants, and what the config's schema says of them.
import { type Variant, variants } from './registry.js';

export const variantNames = Object.keys(variants) as Variant[];

/** The variants that the reference implementation has too. */
export const releasedVariants = variantNames.filter((name) => variants[name].isReleased);

/** The description of the key `model.variant`. */
export function variantDescription(): string {
  const summaries = (names: readonly Variant[]) =>
    names.map((name) => `${variants[name].summary} (${name})`).join(' or ');
  const others = variantNames.filter((name) => !releasedVariants.includes(name));
  const own = others.length === 0 ? '' : `, or a set that it does not have: ${summaries(others)}`;
  const changing = variantNames.filter((name) => Object.keys(variants[name].defaults).length > 0);
  return `Which of the reference implementation's two sets of networks and losses to use: ${summaries(releasedVariants)}${own}. It sets the defaults of the keys that name a value for ${changing.join(' or ')}.`;
}
