// Walks a parameter schema by the element size that its plug-in was built with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halftone/param.h"

namespace halftone::host {

class Schema {
 public:
  Schema(const ht_param *first, std::uint64_t count) : first_(first), count_(first == nullptr ? 0 : count) {}
  std::uint64_t size() const { return count_; }
  // Elements of a newer SDK are longer than ours: the stride is the first element's own struct_size.
  const ht_param &operator[](std::uint64_t index) const {
    const auto *bytes = reinterpret_cast<const unsigned char *>(first_);
    return *reinterpret_cast<const ht_param *>(bytes + index * first_->struct_size);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < count_; ++i) out.emplace_back((*this)[i].name);
    return out;
  }

 private:
  const ht_param *first_;
  std::uint64_t count_;
};

}  // namespace halftone::host
