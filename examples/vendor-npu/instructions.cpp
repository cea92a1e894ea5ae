#include "instructions.h"

#include <limits>

namespace sdk = halftone::sdk;

namespace tern {

std::int32_t Program::add(Tensor tensor) {
  tensors.push_back(std::move(tensor));
  return static_cast<std::int32_t>(tensors.size() - 1);
}

void Program::emit(Op op, std::span<const std::int32_t> operands) {
  words.push_back(static_cast<std::int32_t>(op));
  words.push_back(static_cast<std::int32_t>(operands.size()));
  words.insert(words.end(), operands.begin(), operands.end());
  ++instructions;
}

std::int32_t Program::store(std::span<const std::uint8_t> bytes) {
  data.resize((data.size() + alignment - 1) / alignment * alignment);
  const std::size_t at = data.size();
  if (at + bytes.size() > std::numeric_limits<std::int32_t>::max()) {
    throw sdk::Failure(HT_RESOURCE_EXHAUSTED, "the data of the program exceeds 2 GiB, which Tern cannot address");
  }
  data.insert(data.end(), bytes.begin(), bytes.end());
  return static_cast<std::int32_t>(at);
}

std::int32_t Program::store(std::span<const std::int32_t> list) {
  std::vector<std::uint8_t> bytes;
  for (const std::int32_t word : list) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(word) >> shift));
    }
  }
  return store(std::span<const std::uint8_t>(bytes));
}

std::vector<std::uint8_t> packed(std::span<const std::int32_t> codes, std::uint32_t bits) {
  std::vector<std::uint8_t> out((codes.size() * bits + 7) / 8);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::uint32_t code = static_cast<std::uint32_t>(codes[i]);
    for (std::size_t b = 0, at = i * bits; b < bits; ++b, ++at) {
      if (((code >> b) & 1U) != 0) out[at / 8] = static_cast<std::uint8_t>(out[at / 8] | (1U << (at % 8)));
    }
  }
  return out;
}

}  // namespace tern
