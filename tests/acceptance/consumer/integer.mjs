// Integer mode against the integer kernels of ONNX Runtime: how many samples have the very same outputs, how far the others are
// off, in how many another class wins. ONNX Runtime fuses the Q/DQ nodes into QLinearConv and the like; on processors with VNNI
// those are exact; for others the file has weights of 7 bits (--cpu auto).
//   node integer.mjs --halftone BIN --modules DIR --out DIR [--limit N] [--cpu vnni|avx2|auto] MODEL_FOLDER ...
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare} from './figures.mjs';
import {readNpy, resolveLink} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';
import {preprocessor} from './preprocess.mjs';

const MOST_NOISE = 2e-3, MOST_DISAGREEMENT = 0.03;
const {values: options, positionals: folders} = parseArgs({
  allowPositionals: true,
  options: {halftone: {type: 'string'}, modules: {type: 'string'}, out: {type: 'string'}, limit: {type: 'string', default: '200'},
            cpu: {type: 'string', default: 'auto'}},
});
if (!options.halftone || !options.modules || !options.out || folders.length === 0) {
  console.error('usage: integer.mjs --halftone BIN --modules DIR --out DIR [--limit N] MODEL_FOLDER ...');
  process.exit(2);
}

function halftone(...args) {
  const run = spawnSync(options.halftone, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (run.status !== 0) throw new Error(`halftone ${args[0]} ended with ${run.status ?? run.signal}: ${run.stderr.trim()}`);
}

// The outputs of one mode, in their order.
function outputsOf(mode, file, test, meta, samples, out) {
  const figures = path.join(out, `${mode}.json`);
  halftone('evaluate', file, '--mode', mode, '--data', test, '--preprocess', meta, '--limit', String(samples), '--outputs-npy',
           path.join(out, mode), '--json', figures, '--quiet');
  return JSON.parse(fs.readFileSync(figures, 'utf8')).written.map((name) => readNpy(name).data);
}

function sameSamples(a, b, samples) {
  const size = a.length / samples;
  let same = 0;
  for (let s = 0; s < samples; ++s) {
    same += a.subarray(s * size, (s + 1) * size).every((x, i) => x === b[s * size + i]) ? 1 : 0;
  }
  return same;
}

const ort = loadOrt(options.modules);
let failed = false;
console.log('model, mode: samples with the same outputs, noise/signal, same class');
for (const folder of folders) {
  const name = path.basename(path.resolve(folder)), out = path.join(options.out, name), meta = path.join(folder, 'meta.json');
  fs.mkdirSync(out, {recursive: true});
  const file = path.join(out, 'model.int8.onnx'), test = resolveLink(path.join(folder, 'test/x.npy'));
  halftone('quantize', path.join(folder, 'model.onnx'), '--platform', 'onnxruntime-int8', '--platform-setting', `cpu=${options.cpu}`, '--calibration',
           resolveLink(path.join(folder, 'calib/x.npy')), '--preprocess', meta, '-o', file, '--quiet');
  const stored = readNpy(test), samples = Math.min(Number(options.limit), stored.shape[0]);
  const sample = preprocessor(JSON.parse(fs.readFileSync(meta, 'utf8')), stored.shape);
  const theirs = await runModel(ort, file, samples, (s) => sample(stored.data, s), {graphOptimizationLevel: 'all'});
  for (const mode of ['integer', 'simulated']) {
    const ours = outputsOf(mode, file, test, meta, samples, out);
    const {noiseToSignal, agreement} = compare(ours[0], theirs[0].data, samples);
    const same = sameSamples(ours[0], theirs[0].data, samples);
    console.log(`${name}, ${mode}: ${same} of ${samples}, ${noiseToSignal.toExponential(2)}, ${(100 * agreement).toFixed(2)} %`);
    failed ||= mode === 'integer' && !(noiseToSignal <= MOST_NOISE && 1 - agreement <= MOST_DISAGREEMENT);
  }
}
process.exit(failed ? 1 : 0);
