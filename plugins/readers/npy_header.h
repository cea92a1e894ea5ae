// The header of a NumPy .npy file, versions 1 to 3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "file_source.h"
#include "halftone/tensor.h"

namespace halftone::readers {

struct NpyHeader {
  ht_dtype dtype = HT_DTYPE_NONE;
  std::vector<std::int64_t> shape;
  std::uint64_t data_offset = 0;
};

// Reads and checks the header and that the file holds all the data. Throws DATA_LOSS for a broken or truncated file and
// INVALID_ARGUMENT for a sound one that cannot be used: Fortran order, big endian, objects, structures, text. `name` is
// what messages call it, with its quotes.
NpyHeader read_npy_header(const ByteSource &file, const std::string &name);

// The dictionary text of a header.
NpyHeader parse_npy_dictionary(const std::string &text, const std::string &name);

}  // namespace halftone::readers
