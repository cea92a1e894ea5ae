// Functions of one byte by a table, vectorised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "integer/format.h"
#include "integer/tensor.h"

namespace halftone::onednn {

using ByteTable = std::array<std::uint8_t, 256>;  // by the bits of a code

// Of a table whose first entry is that of the lowest code of the format; codes and entries are bytes.
ByteTable byte_table(const integer::Format &from, const integer::Tensor &table);

// to[i] = table[from[i]].
void look_up(const ByteTable &table, const std::uint8_t *from, std::uint8_t *to, std::size_t count);

}  // namespace halftone::onednn
