// Runs a model of one image input in ONNX Runtime, sample by sample.
import {createRequire} from 'node:module';
import path from 'node:path';

// `modules` is the folder in which `npm ci` was run; the packages never lie in the source tree.
export function loadOrt(modules) {
  return createRequire(path.join(path.resolve(modules), 'package.json'))('onnxruntime-node');
}

// Returns {name, shape, data} for each output, samples one after another.
export async function runModel(ort, file, samples, sampleAt, options = {}) {
  const session = await ort.InferenceSession.create(file, {graphOptimizationLevel: 'disabled', logSeverityLevel: 3, ...options});
  const collected = session.outputNames.map((name) => ({name, shape: null, data: null}));
  for (let s = 0; s < samples; ++s) {
    const {data, dims} = sampleAt(s);
    const results = await session.run({[session.inputNames[0]]: new ort.Tensor('float32', data, dims)});
    for (const output of collected) {
      const tensor = results[output.name];
      const size = tensor.data.length;
      if (!output.data) {
        output.data = new Float32Array(size * samples);
        output.shape = [samples, ...(tensor.dims[0] === 1 ? tensor.dims.slice(1) : tensor.dims)];
      }
      if (size * samples !== output.data.length) throw new Error(`${file}: output ${output.name} changes its size`);
      output.data.set(tensor.data, s * size);
    }
  }
  await session.release();
  return collected;
}
