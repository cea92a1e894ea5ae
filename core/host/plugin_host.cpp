#include "core/host/plugin_host.h"

#include <cstddef>
#include <string>
#include <type_traits>

#include "core/host/context.h"
#include "core/host/isolation/host_link.h"
#include "core/host/service/services.h"

namespace halftone::host {
namespace {

static_assert(std::is_standard_layout_v<PluginHost> && offsetof(PluginHost, table) == 0);

std::string copy_of(const ht_str *text) {
  if (text == nullptr || text->data == nullptr) return {};
  return {text->data, static_cast<std::size_t>(text->size)};
}

const void *HT_CALL service(const ht_host *host, const char *id) noexcept {
  if (host == nullptr || id == nullptr) return nullptr;
  try {
    return find_service(id, reinterpret_cast<const PluginHost *>(host)->capabilities);
  } catch (...) {
    return nullptr;
  }
}

void HT_CALL log(ht_ctx *ctx, std::uint32_t level, const ht_str *text) noexcept {
  if (ctx == nullptr) return;
  try {
    if (ctx->link != nullptr) return log_to_host(*ctx, level, copy_of(text));
    if (!ctx->sinks.log) return;
    ctx->sinks.log({level, copy_of(text)});
  } catch (...) {  // a log that cannot be written is no reason to fail
  }
}

ht_status HT_CALL fail_call(ht_ctx *ctx, ht_status status, const ht_str *text, ht_handle subject) noexcept {
  if (ctx == nullptr) return status;
  try {
    if (ctx->link != nullptr) return fail_at_host(*ctx, status, copy_of(text), subject);
    if (status == HT_OK) {
      return ctx->record(HT_INTERNAL, "the component reported a failure with status 0: " + copy_of(text), subject);
    }
    return ctx->record(status, copy_of(text), subject);
  } catch (...) {  // no memory for the text
    return status == HT_OK ? HT_INTERNAL : status;
  }
}

}  // namespace

PluginHost::PluginHost(std::uint64_t allowed, const Component *whose)
    : table{sizeof(ht_host), HT_ABI_MAJOR, HT_ABI_MINOR, 0, "halftone", HALFTONE_VERSION, &service, &log, &fail_call},
      capabilities(allowed),
      component(whose) {}

}  // namespace halftone::host
