// A program for the device as it is stored; FORMAT.md describes every field.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "device_grid.h"

namespace tern {

enum class Op : std::int32_t { kProduct = 1, kTable, kAdd, kMultiply, kMaxPool, kMean, kConcat, kMove };

struct Tensor {
  std::string name;
  Grid grid;
  std::vector<std::int64_t> shape;  // of one sample
};

class Program {
 public:
  std::int32_t add(Tensor tensor);
  void emit(Op op, std::span<const std::int32_t> operands);
  void emit(Op op, std::initializer_list<std::int32_t> operands) {
    emit(op, std::span(operands.begin(), operands.end()));
  }
  // Give where in the data they lie.
  std::int32_t store(std::span<const std::uint8_t> bytes);
  std::int32_t store(std::span<const std::int32_t> words);

  const Tensor &tensor(std::int32_t number) const { return tensors.at(static_cast<std::size_t>(number)); }

  std::size_t alignment = 64;  // of what is stored
  std::vector<Tensor> tensors;
  std::vector<std::int32_t> inputs, outputs;
  std::vector<std::int32_t> words;
  std::int32_t instructions = 0;
  std::vector<std::uint8_t> data;
};

// Codes of `bits` each, without gaps, the lowest bits first; the last byte is filled with zeros.
std::vector<std::uint8_t> packed(std::span<const std::int32_t> codes, std::uint32_t bits);

}  // namespace tern
