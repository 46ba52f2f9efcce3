// The two domains of images, and values for each of them.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { GeneratorName } from '../model/networks.js';
import { add } from '../ops/arithmetic.js';

export const DOMAINS = ['A', 'B'] as const;

export type Domain = (typeof DOMAINS)[number];

/** One value for each domain. */
export type Both<T> = Record<Domain, T>;

/** The domain that the images of a domain are translated into. */
export const OTHER: Readonly<Both<Domain>> = { A: 'B', B: 'A' };

/** The generator that encodes the images of a domain, and translates them into the other one. */
export const GENERATOR_FROM: Readonly<Both<GeneratorName>> = { A: 'G_A2B', B: 'G_B2A' };

/** Calls a function for A, and then for B. */
export function bothDomains<T>(of: (domain: Domain) => T): Both<T> {
  return { A: of('A'), B: of('B') };
}

/** The sum of a function's tensors for A and for B. */
export function sumOfBoth(of: (domain: Domain) => Tensor): Tensor {
  const { A, B } = bothDomains(of);
  return add(A, B);
}

/** A function of a domain that computes each value when it is first asked for, and once. */
export function oncePerDomain<T>(of: (domain: Domain) => T): (domain: Domain) => T {
  const known: Partial<Both<T>> = {};
  return (domain) => {
    known[domain] ??= of(domain);
    return known[domain];
  };
}
