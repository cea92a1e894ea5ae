// The functions of a component that is called in this process and must leave the process as it found it.
#include <utility>

#include "core/host/isolation/component_proxy.h"
#include "core/host/isolation/environment.h"

namespace halftone::host {
namespace {

// Calls the component, puts back what it changed, and fails where it changed anything, whatever it says itself.
template <typename Body>
ht_status watched(ht_ctx *ctx, Body &&body) {
  const Environment before;
  const bool within = std::exchange(is_watched(), true);  // what it hands over to other threads is looked at, too
  ht_status status = HT_OK;
  try {
    status = body();
  } catch (...) {
    is_watched() = within;
    (void)before.restore();
    throw;
  }
  is_watched() = within;
  const std::string changed = before.restore();
  if (changed.empty()) return status;
  return ctx->record(HT_INTERNAL,
                     fmt::format("component '{}' changed {} and left it so; it was put back", ctx->component, changed));
}

struct Instance {
  const ht_component *component;
  const void *role;
  void *raw;
};

struct Source {
  const ht_reader *reader;
  void *raw;
};

template <typename Role>
const Role &role_of(const Instance &instance) {
  return *static_cast<const Role *>(instance.role);
}

ht_status HT_CALL create(const ht_host *host, ht_ctx *ctx, const ht_value *args, std::uint64_t count, void **instance) {
  const Component &original = proxy_of(host).original();
  auto made = std::make_unique<Instance>(
      Instance{original.description, original.role(role_of_kind(original.description->kind)), nullptr});
  const ht_status status =
      watched(ctx, [&] { return original.description->create(host, ctx, args, count, &made->raw); });
  if (status == HT_OK) *instance = made.release();
  return status;
}

void HT_CALL destroy(void *instance) {
  const std::unique_ptr<Instance> gone(static_cast<Instance *>(instance));
  ht_ctx ctx;
  (void)watched(&ctx, [&] {
    gone->component->destroy(gone->raw);
    return HT_OK;
  });
}

ht_status HT_CALL run(void *instance, ht_ctx *ctx) {
  const auto &own = *static_cast<Instance *>(instance);
  return watched(ctx, [&] { return role_of<ht_pass>(own).run(own.raw, ctx); });
}

ht_status HT_CALL write(void *instance, ht_ctx *ctx, const ht_str *path) {
  const auto &own = *static_cast<Instance *>(instance);
  return watched(ctx, [&] { return role_of<ht_exporter>(own).write(own.raw, ctx, path); });
}

ht_status HT_CALL open(void *instance, ht_ctx *ctx, const ht_str *path, void **source) {
  const auto &own = *static_cast<Instance *>(instance);
  auto opened = std::make_unique<Source>(Source{&role_of<ht_reader>(own), nullptr});
  const ht_status status = watched(ctx, [&] { return opened->reader->open(own.raw, ctx, path, &opened->raw); });
  if (status == HT_OK) *source = opened.release();
  return status;
}

void HT_CALL close(void *source) {
  const std::unique_ptr<Source> gone(static_cast<Source *>(source));
  ht_ctx ctx;
  (void)watched(&ctx, [&] {
    gone->reader->close(gone->raw);
    return HT_OK;
  });
}

ht_status HT_CALL count(void *source, ht_ctx *ctx, std::uint64_t *samples) {
  const auto &own = *static_cast<Source *>(source);
  return watched(ctx, [&] { return own.reader->count(own.raw, ctx, samples); });
}

ht_status HT_CALL read(void *source, ht_ctx *ctx, std::uint64_t index, ht_tensor_view *sample) {
  const auto &own = *static_cast<Source *>(source);
  return watched(ctx, [&] { return own.reader->read(own.raw, ctx, index, sample); });
}

ht_status HT_CALL name(void *source, ht_ctx *ctx, std::uint64_t index, ht_str *text) {
  const auto &own = *static_cast<Source *>(source);
  return watched(ctx, [&] { return own.reader->name(own.raw, ctx, index, text); });
}

}  // namespace

const ProxyFunctions &guarded_functions() {
  static constexpr ProxyFunctions kFunctions = {&create, &destroy, &run, &write, &open, &close, &count, &read, &name};
  return kFunctions;
}

}  // namespace halftone::host
