// Runs the cases of operator_cases in ONNX Runtime and compares: node compare.mjs --modules DIR --cases DIR
import fs from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';

import {loadOrt} from '../consumer/ort.mjs';

const {values: args} = parseArgs({options: {modules: {type: 'string'}, cases: {type: 'string'}}});
const ort = loadOrt(args.modules);
ort.env.logLevel = 'error';

// What differs, or nothing; counts codes that are one off.
function difference(got, want, page, seen) {
  if (got.dims.join() !== want.shape.join()) return `shape ${got.dims} instead of ${want.shape}`;
  const real = got.type === 'float32';
  const data = Array.from(got.data, Number);
  const top = want.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  let ties = 0;
  for (let i = 0; i < data.length; ++i) {
    const off = Math.abs(data[i] - want.data[i]);
    if (real && off <= 1e-5 + page.relative * top) continue;
    if (off === 0 || (Number.isNaN(data[i]) && want.data[i] === null)) continue;
    if (real || off > 1) return `element ${i} is ${data[i]} and the reference has ${want.data[i]}`;
    ++ties;
  }
  seen.ties += ties;
  seen.elements += data.length;
  return '';
}

const families = new Map();
for (const file of fs.readdirSync(args.cases).filter((name) => name.endsWith('.json')).sort()) {
  const page = JSON.parse(fs.readFileSync(path.join(args.cases, file), 'utf8'));
  const name = file.slice(0, -'.json'.length);
  const family = name.replace(/_\d+$/, '');
  if (!families.has(family)) families.set(family, {operator: page.operator, allowed: page.ties, cases: 0, ties: 0, elements: 0, faults: []});
  const seen = families.get(family);
  ++seen.cases;
  try {
    const session = await ort.InferenceSession.create(path.join(args.cases, `${name}.onnx`), {graphOptimizationLevel: 'disabled', logSeverityLevel: 4});
    const results = await session.run({});
    for (const want of page.outputs) {
      const problem = difference(results[want.name], want, page, seen);
      if (problem) seen.faults.push(`${name}: ${problem}`);
    }
    await session.release();
  } catch (error) {
    seen.faults.push(`${name}: ${String(error.message).slice(0, 200)}`);
  }
}

let failed = 0;
console.log('operator'.padEnd(48), 'cases', 'equal', 'codes one off');
for (const [family, seen] of families) {
  const fraction = seen.elements === 0 ? 0 : seen.ties / seen.elements;
  if (fraction > seen.allowed) seen.faults.push(`${family}: ${seen.ties} of ${seen.elements} codes are one off`);
  failed += seen.faults.length > 0 ? 1 : 0;
  console.log(`${seen.operator} (${family})`.padEnd(64), seen.cases, seen.cases - seen.faults.length, `${seen.ties} of ${seen.elements}`);
  for (const fault of seen.faults.slice(0, 3)) console.log(`  ${fault}`);
}
if (families.size === 0) failed = 1;
console.log(failed === 0 ? 'all agree' : `${failed} families differ`);
process.exit(failed === 0 ? 0 : 1);
