// Computes TensorFlow's operations at once, by tfjs-node's backend.
import * as tf from '@tensorflow/tfjs-core';
import { typeCode } from './data-types.js';
import type { Attribute, Attributes, Executor } from './executor.js';
import { assertValues } from './symbolic.js';
import type { AddonAttribute, TensorflowBackend, TensorflowBinding } from './tensorflow-backend.js';

/** Returns a function that puts attributes into the addon's form. */
export function addonAttributes(binding: TensorflowBinding): (attributes: Attributes) => AddonAttribute[] {
  const codes: Record<Attribute['kind'], number> = {
    int: binding.TF_ATTR_INT,
    ints: binding.TF_ATTR_INT,
    float: binding.TF_ATTR_FLOAT,
    bool: binding.TF_ATTR_BOOL,
    type: binding.TF_ATTR_TYPE,
    string: binding.TF_ATTR_STRING,
  };
  return (attributes) =>
    Object.entries(attributes).map(([name, { kind, value }]) => ({ name, type: codes[kind], value }));
}

/** Computes operations at once. `execute` throws a RangeError that names the operation if an input is symbolic. */
export function eagerExecutor(backend: TensorflowBackend): Executor {
  const toAddon = addonAttributes(backend.binding);
  const execute: Executor['execute'] = (op, inputs, attributes, outputs) => {
    assertValues(op, inputs);
    const given = toAddon(attributes);
    return outputs === 1
      ? [backend.executeSingleOutput(op, given, inputs)]
      : backend.executeMultipleOutputs(op, given, inputs, outputs);
  };
  return {
    execute,
    constant: (dtype, shape, values) =>
      tf.tensor(dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values), [...shape], dtype),
    // Operations run in the order of the calls anyway.
    after: (x) => execute('Identity', [x], { T: { kind: 'type', value: typeCode(x.dtype) } }, 1)[0]!,
    readyAt: (tensors) => tensors.map(() => 0),
  };
}
