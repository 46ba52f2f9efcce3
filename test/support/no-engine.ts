// Set up before each test file of the tier `unit`: loading TensorFlow is an error there.
const { dlopen } = process;
process.dlopen = (module, filename, flags) => {
  if (/tfjs_binding|gnr_session/.test(filename))
    throw new Error(
      'This test loads TensorFlow, so it belongs to the tier engine: see ENGINE in vitest.config.ts.',
    );
  return flags === undefined ? dlopen(module, filename) : dlopen(module, filename, flags);
};
