// The state of an optimizer as bytes of this machine: steps, the lengths of both arrays, the arrays.
#include <cstring>

#include "halftone/status.hpp"
#include "optimizer.h"

namespace halftone::trainer {
namespace {

[[noreturn]] void lost(const char *what) {
  throw sdk::Failure(HT_DATA_LOSS, std::string("the state of an optimizer ") + what);
}

void append(std::vector<std::byte> &bytes, const void *data, std::size_t size) {
  const auto *from = static_cast<const std::byte *>(data);
  bytes.insert(bytes.end(), from, from + size);
}

void take(std::span<const std::byte> &bytes, void *to, std::size_t size) {
  if (bytes.size() < size) lost("is cut short");
  if (size != 0) std::memcpy(to, bytes.data(), size);
  bytes = bytes.subspan(size);
}

}  // namespace

void save_state(const OptimizerState &state, std::vector<std::byte> &bytes) {
  const std::uint64_t head[3] = {state.steps, state.first.size(), state.second.size()};
  append(bytes, head, sizeof(head));
  append(bytes, state.first.data(), state.first.size() * sizeof(float));
  append(bytes, state.second.data(), state.second.size() * sizeof(float));
}

OptimizerState read_state(std::span<const std::byte> &bytes, std::size_t elements) {
  std::uint64_t head[3];
  take(bytes, head, sizeof(head));
  for (const std::uint64_t length : {head[1], head[2]}) {
    if (length != 0 && length != elements) lost("is of a tensor of another size");
  }
  OptimizerState state;
  state.steps = head[0];
  state.first.resize(static_cast<std::size_t>(head[1]));
  state.second.resize(static_cast<std::size_t>(head[2]));
  take(bytes, state.first.data(), state.first.size() * sizeof(float));
  take(bytes, state.second.data(), state.second.size() * sizeof(float));
  return state;
}

}  // namespace halftone::trainer
