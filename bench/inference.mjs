// Float inference of pictures in ONNX Runtime, one at a time, with graph optimization: what calibration is measured against.
//   node inference.mjs MODULES MODEL META X.npy LIMIT THREADS OUT.json      META is - where the samples are as the model takes them
import fs from 'node:fs';

import {readNpy} from '../tests/acceptance/consumer/npy.mjs';
import {loadOrt} from '../tests/acceptance/consumer/ort.mjs';
import {preprocessor} from '../tests/acceptance/consumer/preprocess.mjs';

const [modules, model, meta, file, limit, threads, out] = process.argv.slice(2);
const ort = loadOrt(modules);
const stored = readNpy(file);
const asStored = (data, index) => {
  const dims = [1, ...stored.shape.slice(1)];
  const size = dims.reduce((a, b) => a * b);
  return {data: data.slice(index * size, (index + 1) * size), dims};
};
const sampleAt = meta === '-' ? asStored : preprocessor(JSON.parse(fs.readFileSync(meta, 'utf8')), stored.shape);
const samples = Math.min(Number(limit), stored.shape[0]);
const inputs = Array.from({length: samples}, (_, s) => sampleAt(stored.data, s));

const start = process.hrtime.bigint();
const session = await ort.InferenceSession.create(model, {graphOptimizationLevel: 'all', intraOpNumThreads: Number(threads)});
for (const {data, dims} of inputs) await session.run({[session.inputNames[0]]: new ort.Tensor('float32', data, dims)});
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
const peak = Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
fs.writeFileSync(out, JSON.stringify({samples, seconds, peak_memory_bytes: peak}) + '\n');
