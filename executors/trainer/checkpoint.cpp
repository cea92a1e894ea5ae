// All that a session learned and its optimizers' state, as bytes of this version and machine.
#include <algorithm>
#include <cstring>

#include "session.h"

namespace halftone::trainer {
namespace {

constexpr std::uint64_t kMagic = 0x3152544c46544148;  // "HATFLTR1"

struct Header {
  std::uint64_t magic, entries;
};
struct Entry {
  std::uint64_t handle, count;
  std::uint32_t kind, part;
};

void append(std::vector<std::byte> &to, const void *data, std::size_t size) {
  const auto *bytes = static_cast<const std::byte *>(data);
  to.insert(to.end(), bytes, bytes + size);
}

[[noreturn]] void refuse() {
  throw sdk::Failure(HT_DATA_LOSS, "the bytes are not the checkpoint of a session with these options");
}

void take(std::span<const std::byte> &from, void *to, std::size_t size) {
  if (size > from.size()) refuse();
  if (size != 0) std::memcpy(to, from.data(), size);
  from = from.subspan(size);
}

struct Restored {
  std::vector<float> values;
  OptimizerState optimizer;
};

}  // namespace

std::span<const std::byte> TrainingSession::save(const sdk::Context &) {
  saved_.clear();
  const Header header{kMagic, program_->learned.size()};
  append(saved_, &header, sizeof(header));
  for (const Learned &l : program_->learned) {
    const Entry entry{l.handle, l.values->size(), l.kind, l.part};
    append(saved_, &entry, sizeof(entry));
    append(saved_, l.values->data(), l.values->size() * sizeof(float));
    save_state(l.optimizer, saved_);
  }
  return saved_;
}

// All is read before anything is changed.
void TrainingSession::restore(const sdk::Context &, std::span<const std::byte> bytes) {
  Header header{};
  take(bytes, &header, sizeof(header));
  if (header.magic != kMagic || header.entries != program_->learned.size()) refuse();
  std::vector<Restored> restored(program_->learned.size());
  for (std::size_t i = 0; i < restored.size(); ++i) {
    const Learned &l = program_->learned[i];
    Entry entry{};
    take(bytes, &entry, sizeof(entry));
    const bool same = entry.handle == l.handle && entry.kind == l.kind && entry.part == l.part;
    if (!same || entry.count != l.values->size()) refuse();
    restored[i].values.resize(l.values->size());
    take(bytes, restored[i].values.data(), l.values->size() * sizeof(float));
    restored[i].optimizer = read_state(bytes, l.values->size());
  }
  if (!bytes.empty()) refuse();
  for (std::size_t i = 0; i < restored.size(); ++i) {
    Learned &l = program_->learned[i];
    *l.values = std::move(restored[i].values);
    l.optimizer = std::move(restored[i].optimizer);
    std::fill(l.gradient.begin(), l.gradient.end(), 0.0F);
  }
  stale_ = true;
}

}  // namespace halftone::trainer
