// Options that several metrics have.
import { z } from 'zod';
import { FEATURE_KINDS } from '../features/feature-kind.js';

/** The network of the features. */
export const features = z.enum(FEATURE_KINDS).default('inception');

/** A number of images, styles, neighbours and the like. */
export const count = z.int().positive();
