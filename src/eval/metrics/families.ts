// The questions that metrics answer, by which reports group them.

/** The families of metrics, in the order of reports. */
export const FAMILIES = {
  similarity: {
    title: 'Similarity to real images',
    question:
      'Are the outputs as a whole like the images of the target domain, and do they cover their variety?',
  },
  diversity: {
    title: 'Diversity of styles',
    question: 'Do different styles of one input give different images, each like the target domain?',
  },
  faithfulness: {
    title: 'Faithfulness to the input',
    question: 'Is the content of the input preserved, and is a style the same in every image?',
  },
} satisfies Record<string, { title: string; question: string }>;

export type FamilyName = keyof typeof FAMILIES;
