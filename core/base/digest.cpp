#include "core/base/digest.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <new>

namespace halftone {
namespace {

// What goes in front of each piece, so that pieces of other types or lengths never make the same stream.
enum class Tag : std::uint64_t { kBytes = 1, kText = 2, kNumber = 3 };

XXH3_state_t *as_state(void *state) {
  return static_cast<XXH3_state_t *>(state);
}

void update(void *state, Tag tag, const void *data, std::uint64_t size) {
  const std::uint64_t head[2] = {static_cast<std::uint64_t>(tag), size};
  XXH3_128bits_update(as_state(state), head, sizeof head);
  if (size > 0) XXH3_128bits_update(as_state(state), data, size);
}

}  // namespace

std::string Digest::hex() const {
  return fmt::format("{:016x}{:016x}", high, low);
}

Digest sum(const Digest &a, const Digest &b) {
  const std::uint64_t low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1U : 0U), low};
}

Digester::Digester() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(as_state(state_));
}

Digester::~Digester() {
  XXH3_freeState(as_state(state_));
}

Digester &Digester::add(std::span<const std::byte> bytes) {
  update(state_, Tag::kBytes, bytes.data(), bytes.size());
  return *this;
}

Digester &Digester::add(std::string_view text) {
  update(state_, Tag::kText, text.data(), text.size());
  return *this;
}

Digester &Digester::add(std::int64_t number) {
  update(state_, Tag::kNumber, &number, sizeof number);
  return *this;
}

Digest Digester::finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(as_state(state_));
  return {hash.high64, hash.low64};
}

}  // namespace halftone
