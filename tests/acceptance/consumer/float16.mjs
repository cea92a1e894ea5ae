// Float16 files in ONNX Runtime: a model written in float16, the same quantized from there with float_type float32 and model, with
// its first and last layers in float. Each file must run, and compute what it says.
//   node float16.mjs --halftone BIN --modules DIR --out DIR MODEL_FOLDER ...
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare} from './figures.mjs';
import {readNpy, resolveLink} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';
import {preprocessor} from './preprocess.mjs';

const SAMPLES = 16;
const MOST_ROUNDING = 1e-4;  // noise/signal that float16's eleven bits may cost a network
const MOST_LOSS = 2;         // of the quantized file against float32's, whose scales are from the same samples

const {values: options, positionals: folders} = parseArgs({
  allowPositionals: true,
  options: {halftone: {type: 'string'}, modules: {type: 'string'}, out: {type: 'string'}},
});
if (!options.halftone || !options.modules || !options.out || folders.length === 0) {
  console.error('usage: float16.mjs --halftone BIN --modules DIR --out DIR MODEL_FOLDER ...');
  process.exit(2);
}

function run(name, lines) {
  const file = path.join(options.out, `${name}.yaml`);
  fs.writeFileSync(file, ['halftone: 1', ...lines].join('\n') + '\n');
  const done = spawnSync(options.halftone, ['run', file, '--quiet'], {encoding: 'utf8'});
  if (done.status !== 0) throw new Error(`halftone run ${file} ended with ${done.status ?? done.signal}: ${done.stderr.trim()}`);
}

const ort = loadOrt(options.modules);
fs.mkdirSync(options.out, {recursive: true});
let failures = 0;
for (const folder of folders) {
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8'));
  const samplesFile = path.join(folder, 'test/x.npy'), calibration = path.join(folder, 'calib/x.npy');
  if (meta.scale === undefined || !fs.existsSync(samplesFile) || !fs.existsSync(calibration)) continue;
  const name = path.basename(path.resolve(folder)), original = path.resolve(folder, 'model.onnx');
  const out = (suffix) => path.resolve(options.out, `${name}.${suffix}.onnx`);
  run(`${name}.float16`, [`model: ${original}`, 'passes: [constant-folding, remove-dead-code]',
                          `export: [{path: ${out('float16')}, float_type: float16}]`]);
  const calibrate = [`platform: onnxruntime-int8`, `calibration: {path: ${path.resolve(resolveLink(calibration))}, limit: 64, ` +
                     `preprocess: ${path.resolve(folder, 'meta.json')}}`, 'dispatch: {table: [{match: {op: Relu}, to: float}]}'];
  const table = /\bRelu\b/.test(spawnSync(options.halftone, ['inspect', original], {encoding: 'utf8'}).stdout);
  const lines = table ? calibrate : calibrate.slice(0, 2);
  run(`${name}.int8`, [`model: ${original}`, ...lines, `export: [{path: ${out('int8')}}]`]);
  run(`${name}.float16.int8`, [`model: ${out('float16')}`, ...lines, `export: [{path: ${out('float16.int8')}}, ` +
                               `{path: ${out('float16.int8.model')}, float_type: model}]`]);
  const stored = readNpy(resolveLink(samplesFile)), sample = preprocessor(meta, stored.shape);
  const results = {};
  for (const suffix of ['float16', 'int8', 'float16.int8', 'float16.int8.model']) {
    results[suffix] = await runModel(ort, out(suffix), SAMPLES, (s) => sample(stored.data, s));
  }
  const float = await runModel(ort, original, SAMPLES, (s) => sample(stored.data, s));
  const noise = (a) => Math.max(...results[a].map((output, i) => compare(output.data, float[i].data, SAMPLES).noiseToSignal));
  const found = Object.fromEntries(Object.keys(results).map((key) => [key, noise(key)]));
  const smaller = fs.statSync(out('float16')).size < 0.6 * fs.statSync(original).size;
  const limit = MOST_LOSS * found.int8 + MOST_ROUNDING;
  const ok = smaller && found.float16 < MOST_ROUNDING && found['float16.int8'] < limit && found['float16.int8.model'] < limit;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}: noise/signal ` +
              Object.entries(found).map(([key, value]) => `${key} ${value.toExponential(1)}`).join(', '));
}
process.exit(failures === 0 ? 0 : 1);
