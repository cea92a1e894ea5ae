// Structs of the plug-in ABI as bytes of a message. What is read lives in an arena; large tensors in shared memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "core/base/byte_archive.h"
#include "core/host/context.h"
#include "core/host/isolation/channel.h"
#include "core/model/dtype.h"

namespace halftone::host {

// From this size on a tensor is not copied through the socket.
inline constexpr std::uint64_t kSharedFrom = std::uint64_t{64} << 10;

class WireWriter : public ByteWriter {
 public:
  void blob(const void *&data, std::uint64_t &size) {
    raw(&size, sizeof size);
    const auto *bytes = static_cast<const std::byte *>(data);
    if (size < kSharedFrom) {
      if (size > 0) raw(const_cast<std::byte *>(bytes), static_cast<std::size_t>(size));
    } else {
      files.push_back(SharedBytes::make({bytes, static_cast<std::size_t>(size)}));
    }
  }
  std::vector<Descriptor> files;
};

class WireReader : public ByteReader {
 public:
  // Shared memory stays mapped as long as `kept` has it; without `kept` it is copied into the arena.
  WireReader(const Message &message, Arena &memory, std::vector<std::shared_ptr<const SharedBytes>> *kept = nullptr)
      : ByteReader(message.payload, "a message between host and worker"),
        arena(memory),
        files_(message.files),
        kept_(kept) {}
  void blob(const void *&data, std::uint64_t &size) {
    raw(&size, sizeof size);
    if (size >= kSharedFrom) {
      if (next_file_ >= files_.size()) broken();
      std::shared_ptr<const SharedBytes> shared = SharedBytes::map(files_[next_file_++], size);
      data = kept_ != nullptr ? shared->data() : copied(shared->data(), size);
      if (kept_ != nullptr) kept_->push_back(std::move(shared));
      return;
    }
    data = copied(take(static_cast<std::size_t>(size)).data(), size);
  }
  Arena &arena;

 private:
  void *copied(const void *bytes, std::uint64_t size) {
    void *copy = arena.allocate(static_cast<std::size_t>(size) + 1, 64);
    if (size > 0) std::memcpy(copy, bytes, static_cast<std::size_t>(size));
    return copy;
  }

  const std::vector<Descriptor> &files_;
  std::size_t next_file_ = 0;
  std::vector<std::shared_ptr<const SharedBytes>> *kept_;
};

template <typename T>
concept Sized = requires(T t) {
  t.struct_size;
};

template <typename T>
T *zeroed(Arena &arena, std::uint64_t count = 1) {
  constexpr std::size_t kAlignment = alignof(T) < 8 ? 8 : alignof(T);
  T *items = static_cast<T *>(arena.allocate(static_cast<std::size_t>(count) * sizeof(T) + 1, kAlignment));
  std::memset(static_cast<void *>(items), 0, static_cast<std::size_t>(count) * sizeof(T));
  if constexpr (Sized<T>) {
    for (std::uint64_t i = 0; i < count; ++i) items[i].struct_size = sizeof(T);
  }
  return items;
}

// An array of a struct: its elements lie one after the other.
template <typename A, typename T>
void walk_array(A &archive, const T *&data, std::uint64_t &size) {
  size = archive.count(size);
  T *items = const_cast<T *>(data);
  if constexpr (A::kReading) data = items = zeroed<T>(archive.arena, size);
  if constexpr (std::is_arithmetic_v<T>) {
    if constexpr (A::kReading) {
      const std::string_view bytes = archive.take(static_cast<std::size_t>(size) * sizeof(T));
      if (!bytes.empty()) std::memcpy(items, bytes.data(), bytes.size());
    } else if (size > 0) {
      archive.raw(items, static_cast<std::size_t>(size) * sizeof(T));
    }
  } else {
    for (std::uint64_t i = 0; i < size; ++i) walk(archive, items[i]);
  }
}

// An array beside its count, which may be left out.
template <typename A, typename T>
void walk_optional_array(A &archive, const T *&data, std::uint64_t count) {
  bool there = data != nullptr;
  walk(archive, there);
  std::uint64_t size = count;
  if (there) walk_array(archive, data, size);
  if (A::kReading && (!there || size != count)) data = nullptr;
}

}  // namespace halftone::host
