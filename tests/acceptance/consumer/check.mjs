// Exports models with `halftone quantize` and runs the files in ONNX Runtime without graph optimization (on a processor
// without VNNI its fast integer kernels saturate and show something else than what the file describes). ONNX Runtime and
// `halftone evaluate` must agree on the same file.
//   node check.mjs --halftone BIN --modules DIR --out DIR [--platform NAME ...] [--limit N] MODEL_FOLDER ...
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {compare, top1} from './figures.mjs';
import {readNpy, resolveLink, writeNpy} from './npy.mjs';
import {loadOrt, runModel} from './ort.mjs';
import {preprocessor} from './preprocess.mjs';

const LEAST_AGREEMENT = 0.995;
const MOST_NOISE = 1e-3;

const {values: options, positionals: folders} = parseArgs({
  allowPositionals: true,
  options: {
    halftone: {type: 'string'},
    modules: {type: 'string'},
    out: {type: 'string'},
    platform: {type: 'string', multiple: true, default: ['onnxruntime-int8', 'tensorrt-int8']},
    limit: {type: 'string', default: '0'},
  },
});
if (!options.halftone || !options.modules || !options.out || folders.length === 0) {
  console.error('usage: check.mjs --halftone BIN --modules DIR --out DIR [--platform NAME ...] [--limit N] MODEL_FOLDER ...');
  process.exit(2);
}

function halftone(...args) {
  const run = spawnSync(options.halftone, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (run.status !== 0) throw new Error(`halftone ${args[0]} ended with ${run.status ?? run.signal}: ${run.stderr.trim()}`);
  return run.stdout;
}

// What a model folder holds; null for models whose samples are not one array of pictures.
function modelOf(folder) {
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8'));
  const file = (name) => path.join(folder, name);
  if (meta.scale === undefined || !['calib/x.npy', 'test/x.npy'].every((name) => fs.existsSync(file(name)))) return null;
  const labels = fs.existsSync(file('test/y.npy')) ? resolveLink(file('test/y.npy')) : null;
  return {
    name: path.basename(path.resolve(folder)), meta, labels,
    onnx: file('model.onnx'), metaFile: file('meta.json'),
    calibration: resolveLink(file('calib/x.npy')), test: resolveLink(file('test/x.npy')),
  };
}

async function check(ort, model, platform) {
  const out = path.join(options.out, model.name, platform);
  fs.mkdirSync(out, {recursive: true});
  const quantized = path.join(out, 'model.int8.onnx');
  halftone('quantize', model.onnx, '--platform', platform, '--calibration', model.calibration, '--preprocess', model.metaFile,
           '-o', quantized, '--quiet');
  const stored = readNpy(model.test);
  const limit = Number(options.limit);
  const samples = limit > 0 ? Math.min(limit, stored.shape[0]) : stored.shape[0];
  halftone('evaluate', quantized, '--data', model.test, '--preprocess', model.metaFile, '--limit', String(samples),
           '--outputs-npy', out, '--quiet');

  const sampleAt = preprocessor(model.meta, stored.shape);
  const theirs = await runModel(ort, quantized, samples, (s) => sampleAt(stored.data, s));
  const reports = theirs.map((output, i) => {
    writeNpy(path.join(out, `ort_${i}.npy`), output.shape, output.data);
    return compare(readNpy(path.join(out, `output_${i}.npy`)).data, output.data, samples);
  });
  const noise = Math.max(...reports.map((r) => r.noiseToSignal));
  const agreement = model.labels ? reports[0].agreement : null;
  return {
    model: model.name, platform, samples, noise, agreement,
    accuracy: model.labels ? top1(theirs[0].data, readNpy(model.labels).data, samples) : null,
    ok: noise < MOST_NOISE && (agreement === null || agreement >= LEAST_AGREEMENT),
  };
}

const percent = (fraction) => (fraction === null ? '-' : `${(100 * fraction).toFixed(2)} %`);
const line = (cells) => console.log(cells.map((cell, i) => String(cell).padEnd([26, 18, 8, 12, 12, 14, 0][i])).join('').trimEnd());

const ort = loadOrt(options.modules);
let passed = 0, failed = 0, skipped = 0;
line(['model', 'platform', 'samples', 'ORT top-1', 'same top-1', 'noise/signal', '']);
for (const folder of folders) {
  const model = modelOf(folder);
  if (!model) {
    console.log(`${path.basename(folder)}: skipped, its samples are not one array of pictures`);
    ++skipped;
    continue;
  }
  for (const platform of options.platform) {
    try {
      const r = await check(ort, model, platform);
      line([r.model, r.platform, r.samples, percent(r.accuracy), percent(r.agreement), r.noise.toExponential(2), r.ok ? 'ok' : 'FAILED']);
      r.ok ? ++passed : ++failed;
    } catch (error) {
      line([model.name, platform, '-', '-', '-', '-', 'FAILED']);
      console.log(`  ${error.message}`);
      ++failed;
    }
  }
}
console.log(`consumer: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
