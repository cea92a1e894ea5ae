// What values are declared to be, over "ht.value_type/1". Failures throw.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "halftone/host.hpp"
#include "halftone/value_type.h"

namespace halftone::sdk {

class ValueTypes {
 public:
  explicit ValueTypes(const Context &ctx) : ctx_(ctx), api_(ctx.host.find<ht_value_type>(HT_VALUE_TYPE_1)) {
    if (api_ == nullptr) {
      throw Failure(HT_PERMISSION_DENIED,
                    "the component did not declare HT_CAP_GRAPH_EDIT, or the host is older than " HT_VALUE_TYPE_1);
    }
  }
  void set_element_type(ht_handle value, ht_dtype dtype) const {
    check(api_->set_element_type(ctx_.raw, value, dtype));
  }
  // Below 0: not known before the run, under this name.
  void set_extent(ht_handle value, std::uint32_t axis, std::int64_t extent, std::string_view symbol = {}) const {
    const ht_str name = view(symbol);
    check(api_->set_extent(ctx_.raw, value, axis, extent, &name));
  }
  // Empty where the extent is known or has no name.
  std::string symbol(ht_handle value, std::uint32_t axis) const {
    ht_str name{};
    check(api_->symbol(ctx_.raw, value, axis, &name));
    return std::string(view(name));
  }

 private:
  const Context &ctx_;
  const ht_value_type *api_;
};

}  // namespace halftone::sdk
