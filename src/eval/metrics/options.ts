// Options that several metrics have.
import { z } from 'zod';
import { FEATURE_KINDS } from '../features/feature-kind.js';

/** The network of the features. */
export const features = z.enum(FEATURE_KINDS).default('inception');

/** A number of images or neighbours. */
export const count = z.int().positive().max(1_000_000);

/** A number of styles, views or subsets, which all are drawn: a protocol of somebody else must not fill the memory. */
export const drawnCount = z.int().positive().max(10_000);
