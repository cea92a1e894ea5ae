#include "core/api/failure.h"

#include <vector>

#include "halftone/embed.h"

namespace halftone::api {

namespace {
thread_local std::vector<std::string> last;
}

void forget_failure() noexcept {
  last.clear();
}

ht_status keep_failure(const Error &error) noexcept {
  try {
    std::vector<std::string> told = {error.message()};
    told.insert(told.end(), error.notes().begin(), error.notes().end());
    last = std::move(told);
  } catch (...) {  // no memory for the words; the status stays
  }
  return static_cast<ht_status>(error.status());
}

void require_given(const void *pointer, const char *name) {
  if (pointer == nullptr) fail(Status::kInvalidArgument, "the argument '{}' is null", name);
}

}  // namespace halftone::api

const char *HT_CALL ht_error_text(std::uint64_t index) {
  const auto &last = halftone::api::last;
  return index < last.size() ? last[index].c_str() : nullptr;
}
