#include <algorithm>

#include "core/host/service/artefact_table.h"
#include "core/host/service/table.h"

namespace halftone::host {
namespace {

constexpr std::size_t kLongestName = 100;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

ht_status HT_CALL write(ht_ctx *ctx, const ht_str *name, const void *data, std::uint64_t size) {
  return serve(ctx, [&] {
    const std::string wanted(text(name));
    if (wanted.empty() || wanted.front() == '.' || wanted.size() > kLongestName ||
        !std::ranges::all_of(wanted, is_allowed)) {
      fail(Status::kInvalidArgument,
           "'{}' is no name for an artefact; use up to {} letters, digits, '.', '_' and '-', no dot first", wanted,
           kLongestName);
    }
    if (std::ranges::any_of(ctx->artefacts, [&](const Artefact &a) { return a.name == wanted; })) {
      fail(Status::kAlreadyExists, "the artefact '{}' was written already by this pass", wanted);
    }
    ctx->artefacts.push_back({wanted, std::string(static_cast<const char *>(data), static_cast<std::size_t>(size))});
  });
}

}  // namespace

const ht_artefact *artefact_table() {
  static constexpr ht_artefact kTable = {sizeof(ht_artefact), 0, &write};
  return &kTable;
}

}  // namespace halftone::host
