// Reads and writes the .npy files that the samples, labels and outputs are kept in.
import fs from 'node:fs';
import path from 'node:path';

const MAGIC = '\x93NUMPY';
const TYPES = {
  '|u1': Uint8Array,
  '|i1': Int8Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
  '<i4': Int32Array,
  '<i8': BigInt64Array,
};

// A checkout without symbolic links leaves the link's text in place of the file: follow it.
export function resolveLink(file) {
  for (let depth = 0; depth < 4; ++depth) {
    if (fs.statSync(file).size > 512) return file;
    const text = fs.readFileSync(file, 'latin1');
    if (text.startsWith(MAGIC)) return file;
    file = path.resolve(path.dirname(file), text.trim());
  }
  throw new Error(`${file}: too many links`);
}

export function readNpy(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.toString('latin1', 0, 6) !== MAGIC) throw new Error(`${file}: not an .npy file`);
  const long = bytes[6] >= 2;
  const headerSize = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = long ? 12 : 10;
  const header = bytes.toString('latin1', start, start + headerSize);
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1].split(',').filter((s) => s.trim()).map(Number);
  if (!(descr in TYPES) || !shape || /'fortran_order':\s*True/.test(header)) {
    throw new Error(`${file}: unsupported array ${header.trim()}`);
  }
  const Type = TYPES[descr];
  const count = shape.reduce((a, b) => a * b, 1);
  const from = start + headerSize;
  if (bytes.length - from < count * Type.BYTES_PER_ELEMENT) throw new Error(`${file}: shorter than its shape says`);
  const copy = bytes.subarray(from, from + count * Type.BYTES_PER_ELEMENT).slice();
  return {shape, data: new Type(copy.buffer, copy.byteOffset, count)};
}

export function writeNpy(file, shape, data) {
  const descr = Object.keys(TYPES).find((key) => data instanceof TYPES[key]);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const prefix = Buffer.alloc(10);
  prefix.write(MAGIC, 0, 'latin1');
  prefix[6] = 1;
  prefix.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([prefix, Buffer.from(header, 'latin1'),
                                        Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}
