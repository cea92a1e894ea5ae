#include "container.h"

#include <bit>

namespace tern {
namespace {

constexpr std::uint32_t kVersion = 1;

class Bytes {
 public:
  void word(std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out_.push_back(static_cast<char>(value >> shift));
  }
  void word(std::int32_t value) { word(static_cast<std::uint32_t>(value)); }
  void count(std::size_t value) { word(static_cast<std::uint32_t>(value)); }
  void words(const std::vector<std::int32_t> &list) {
    count(list.size());
    for (const std::int32_t value : list) word(value);
  }
  // Filled up to a whole number of words.
  void text(const std::string &value) {
    count(value.size());
    out_ += value;
    align(4);
  }
  void align(std::size_t to) { out_.resize((out_.size() + to - 1) / to * to); }
  void raw(const std::vector<std::uint8_t> &bytes) { out_.append(bytes.begin(), bytes.end()); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_ = "TERN";
};

}  // namespace

std::string to_bytes(const Program &program) {
  Bytes out;
  out.word(kVersion);
  out.count(program.alignment);
  out.count(program.tensors.size());
  for (const Tensor &tensor : program.tensors) {
    out.text(tensor.name);
    out.word(std::bit_cast<std::uint32_t>(tensor.grid.scale));
    out.word(tensor.grid.zero);
    out.count(tensor.shape.size());
    for (const std::int64_t extent : tensor.shape) out.word(static_cast<std::int32_t>(extent));
  }
  out.words(program.inputs);
  out.words(program.outputs);
  out.word(program.instructions);
  out.words(program.words);
  out.count(program.data.size());
  out.align(program.alignment);
  out.raw(program.data);
  return out.take();
}

}  // namespace tern
