// Values as bytes and back: one walk() over a struct's fields serves both directions. For this program alone, in this
// build: a copy in another process, a file for a replay.
//
// A struct joins by a function template walk(archive, struct) in its own namespace.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace halftone {

class ByteWriter {
 public:
  static constexpr bool kReading = false;
  void raw(void *data, std::size_t size) { bytes_.append(static_cast<const char *>(data), size); }
  std::uint64_t count(std::uint64_t count) {
    raw(&count, sizeof count);
    return count;
  }
  const std::string &bytes() const noexcept { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Throws DataLoss, with the name of what is read, rather than read beyond the end.
class ByteReader {
 public:
  static constexpr bool kReading = true;
  ByteReader(std::string_view bytes, std::string what) : left_(bytes), what_(std::move(what)) {}
  void raw(void *data, std::size_t size) {
    if (size > left_.size()) broken();
    if (size > 0) std::memcpy(data, left_.data(), size);
    left_.remove_prefix(size);
  }
  // Of elements that follow, each of a byte at least: a count that cannot be true costs no memory.
  std::uint64_t count(std::uint64_t /*known*/) {
    std::uint64_t count = 0;
    raw(&count, sizeof count);
    if (count > left_.size()) broken();
    return count;
  }
  // The next bytes where they lie.
  std::string_view take(std::size_t size) {
    if (size > left_.size()) broken();
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  bool at_end() const noexcept { return left_.empty(); }
  [[noreturn]] void broken() const { fail(Status::kDataLoss, "{} is damaged", what_); }

 private:
  std::string_view left_;
  std::string what_;
};

template <typename A, typename T>
requires std::is_arithmetic_v<T> || std::is_enum_v<T>
void walk(A &archive, T &value) {
  archive.raw(&value, sizeof value);
}

template <typename A>
void walk(A &archive, bool &value) {
  std::uint8_t byte = value ? 1 : 0;
  archive.raw(&byte, 1);
  value = byte != 0;
}

template <typename A>
void walk(A &archive, std::string &text) {
  text.resize(static_cast<std::size_t>(archive.count(text.size())));
  archive.raw(text.data(), text.size());
}

template <typename A, typename T>
void walk(A &archive, std::vector<T> &list) {
  list.resize(static_cast<std::size_t>(archive.count(list.size())));
  for (T &item : list) walk(archive, item);
}

template <typename A, typename T>
void walk(A &archive, std::optional<T> &value) {
  bool there = value.has_value();
  walk(archive, there);
  if (A::kReading && there) value.emplace();
  if (there) walk(archive, *value);
}

template <typename A, typename First, typename Second>
void walk(A &archive, std::pair<First, Second> &pair) {
  walk(archive, pair.first);
  walk(archive, pair.second);
}

template <typename A, typename Key, typename T, typename Less>
void walk(A &archive, std::map<Key, T, Less> &map) {
  if constexpr (A::kReading) {
    for (std::uint64_t left = archive.count(0); left > 0; --left) {
      std::pair<Key, T> entry;
      walk(archive, entry);
      map.insert(std::move(entry));
    }
  } else {
    archive.count(map.size());
    for (auto &[key, value] : map) {
      walk(archive, const_cast<Key &>(key));
      walk(archive, value);
    }
  }
}

// What a walk writes of an object that it leaves as it is.
template <typename A, typename T>
void write(A &writer, const T &value) {
  walk(writer, const_cast<T &>(value));
}

}  // namespace halftone
