// Element types of samples: bytes an element, and the shape arithmetic that every reader needs, overflow checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "halftone/reader.hpp"

namespace halftone::readers {

// Bytes of one element; 0 for a type that samples cannot have.
std::uint64_t element_bytes(ht_dtype dtype);
// "uint8", "float32" ... HT_DTYPE_NONE when unknown.
ht_dtype dtype_of_name(std::string_view name);
// Bytes of a tensor; throws INVALID_ARGUMENT naming `what` when they do not fit 62 bits.
std::uint64_t tensor_bytes(ht_dtype dtype, std::span<const std::int64_t> shape, const std::string &what);
// A view whose shape lives in the context's arena.
ht_tensor_view sample_view(const sdk::Context &ctx, ht_dtype dtype, std::span<const std::int64_t> shape, void *data);

}  // namespace halftone::readers
