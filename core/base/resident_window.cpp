#include "core/base/resident_window.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

namespace halftone {
namespace {

// Of the process, because that is what the pages belong to.
class Window {
 public:
  void add(std::span<const std::byte> map) {
    const std::lock_guard lock(mutex_);
    maps_[map.data()] = map.size();
    mapped_ += map.size();
  }

  void remove(std::span<const std::byte> map) {
    const std::lock_guard lock(mutex_);
    if (maps_.erase(map.data()) > 0) mapped_ -= map.size();
  }

  void announce(std::span<const std::byte> bytes) {
    // Maps that fit into the window need no care, and that is nearly every model.
    if (mapped_ <= kResidentWindow || bytes.empty()) return;
    const std::lock_guard lock(mutex_);
    if (!is_mapped(bytes)) return;
    announced_ += bytes.size();
    if (announced_ <= kResidentWindow) return;
    announced_ = bytes.size();
    for (const auto &[data, size] : maps_) drop_all_but({data, size}, bytes);
  }

  void give_back(std::span<const std::byte> bytes) {
    if (mapped_ <= kResidentWindow || bytes.empty()) return;
    const std::lock_guard lock(mutex_);
    if (is_mapped(bytes)) drop(bytes.data(), bytes.data() + bytes.size());
  }

 private:
  using Bytes = std::span<const std::byte>;

  bool is_mapped(Bytes bytes) const {
    const auto behind = maps_.upper_bound(bytes.data());
    if (behind == maps_.begin()) return false;
    const auto &[data, size] = *std::prev(behind);
    return std::less<>()(bytes.data(), data + size);
  }

  static void drop_all_but(Bytes map, Bytes keep) {
    const std::byte *const end = map.data() + map.size();
    const bool apart = !std::less<>()(keep.data(), end) || std::less<>()(keep.data(), map.data());
    if (apart) return drop(map.data(), end);
    drop(map.data(), keep.data());
    drop(keep.data() + keep.size(), end);
  }

  // Whole pages between the two; a page that is shared with what is kept stays.
  static void drop(const std::byte *begin, const std::byte *end) {
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
    const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(end) / page * page;
    // A refusal costs memory, not results.
    if (first < last) ::madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
  }

  std::mutex mutex_;
  std::map<const std::byte *, std::size_t, std::less<>> maps_;
  std::atomic<std::size_t> mapped_ = 0;
  std::size_t announced_ = 0;
};

Window &window() {
  static Window one;
  return one;
}

}  // namespace

void announce_read(std::span<const std::byte> bytes) {
  window().announce(bytes);
}
void give_back(std::span<const std::byte> bytes) {
  window().give_back(bytes);
}
void add_map(std::span<const std::byte> map) {
  window().add(map);
}
void remove_map(std::span<const std::byte> map) {
  window().remove(map);
}

}  // namespace halftone
