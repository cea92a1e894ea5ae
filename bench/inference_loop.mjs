// Float inference in ONNX Runtime, one sample at a time: the time of the runs alone, and of opening the session apart.
//   node inference_loop.mjs MODULES MODEL META|- X.npy LIMIT THREADS RUNS OUT.json
// Without META the array holds float samples ready to run, one after the other along axis 0.
import fs from 'node:fs';

import {readNpy} from '../tests/acceptance/consumer/npy.mjs';
import {loadOrt} from '../tests/acceptance/consumer/ort.mjs';
import {preprocessor} from '../tests/acceptance/consumer/preprocess.mjs';

const [modules, model, meta, file, limit, threads, runs, out] = process.argv.slice(2);
const ort = loadOrt(modules);
const stored = readNpy(file);
const size = stored.shape.slice(1).reduce((a, b) => a * b, 1);
const ready = (data, s) => ({data: data.subarray(s * size, (s + 1) * size), dims: [1, ...stored.shape.slice(1)]});
const sampleAt = meta === '-' ? ready : preprocessor(JSON.parse(fs.readFileSync(meta, 'utf8')), stored.shape);
const samples = Math.min(Number(limit), stored.shape[0]);

const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;
const opening = process.hrtime.bigint();
const session = await ort.InferenceSession.create(model, {
  graphOptimizationLevel: 'all', intraOpNumThreads: Number(threads), interOpNumThreads: 1, logSeverityLevel: 3});
const name = session.inputNames[0];
const inputs = Array.from({length: samples}, (_, s) => {
  const {data, dims} = sampleAt(stored.data, s);
  return new ort.Tensor('float32', data, dims);
});
await session.run({[name]: inputs[0]});
const first = seconds(opening);

const cpu = process.cpuUsage();
const start = process.hrtime.bigint();
for (let run = 0; run < Number(runs); ++run) {
  for (const input of inputs) await session.run({[name]: input});
}
const wall = seconds(start);
const used = process.cpuUsage(cpu);
fs.writeFileSync(out, JSON.stringify({
  samples: samples * Number(runs), seconds: wall, cpu_seconds: (used.user + used.system) / 1e6, first_seconds: first}) + '\n');
