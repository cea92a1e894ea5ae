// A host that is just enough for readers: memory, and the text of the last failure.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/halftone.h"

namespace halftone::test {

// One reader of the plug-in under test, opened on a path.
class OpenReader {
 public:
  OpenReader(const char *id, const std::string &path, std::vector<ht_value> args = {});
  ~OpenReader();
  OpenReader(const OpenReader &) = delete;
  OpenReader &operator=(const OpenReader &) = delete;

  ht_status status() const { return status_; }
  std::string text() const;  // why the last call failed
  std::uint64_t count();
  ht_status read(std::uint64_t index, ht_tensor_view &sample);
  std::string name(std::uint64_t index);

 private:
  const ht_component *component_ = nullptr;
  const ht_reader *role_ = nullptr;
  void *instance_ = nullptr, *source_ = nullptr;
  ht_status status_ = HT_OK;
};

template <typename T>
std::vector<T> values_of(const ht_tensor_view &view) {
  std::int64_t count = 1;
  for (std::uint32_t i = 0; i < view.rank; ++i) count *= view.shape[i];
  const T *data = static_cast<const T *>(view.data);
  return {data, data + count};
}
inline std::vector<std::int64_t> shape_of(const ht_tensor_view &view) {
  return {view.shape, view.shape + view.rank};
}

// The reader refuses the path with this status and these words.
void expect_refused(const char *id, const std::string &path, ht_status status,
                    std::initializer_list<std::string_view> words, std::vector<ht_value> args = {});

}  // namespace halftone::test
