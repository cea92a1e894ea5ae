// What every service file needs: conversions between the C structs and the kernel's objects.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "core/host/context.h"
#include "halftone/graph.h"

namespace halftone::host {

inline std::string_view text(const ht_str *s) {
  if (s == nullptr || s->data == nullptr) return {};
  return {s->data, static_cast<std::size_t>(s->size)};
}
inline ht_str text(std::string_view s) {
  return {s.data(), s.size()};
}

inline WorkingModel &working(ht_ctx *ctx) {
  if (ctx->working == nullptr) fail(Status::kFailedPrecondition, "this call has no model");
  return *ctx->working;
}

// A copy in the context's arena.
template <typename T>
T *keep(ht_ctx *ctx, std::span<const T> items) {
  T *copy = static_cast<T *>(ctx->arena.allocate(items.size_bytes() + 1, alignof(T) < 8 ? 8 : alignof(T)));
  if (!items.empty()) std::memcpy(copy, items.data(), items.size_bytes());
  return copy;
}

inline ht_str kept_text(ht_ctx *ctx, std::string_view s) {
  return {keep(ctx, std::span<const char>(s.data(), s.size())), s.size()};
}
inline ht_handles kept_handles(ht_ctx *ctx, std::span<const model::Handle> list) {
  return {keep(ctx, list), list.size()};
}

// Writes at most what the caller's struct has room for; the reader's rule of the ABI seen from the writing side.
template <typename T>
void put(T *out, const T &value) {
  const std::uint32_t size = out->struct_size;
  std::memcpy(static_cast<void *>(out), &value, size < sizeof(T) ? size : sizeof(T));
  out->struct_size = size;
}

// put() for getters that are called for every object of a model: `fill` sets every member but struct_size in the
// caller's own struct, with no copy between, or in a whole one where that is smaller.
template <typename T, typename Fill>
void put_filled(T *out, Fill &&fill) {
  if (out->struct_size >= sizeof(T)) return fill(*out);
  T whole{};
  fill(whole);
  put(out, whole);
}

// Steps through an array whose elements have the caller's own size.
template <typename T>
T *element(T *first, std::uint64_t index) {
  using Byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return reinterpret_cast<T *>(reinterpret_cast<Byte *>(first) + index * first->struct_size);
}

// serve_run() for functions whose arguments are the component's own doing. That one is wrong is its fault, where
// elsewhere the same status means a mistake of the user's: what is recorded, and ends the run, is an internal error.
template <typename Body>
ht_status serve_edit(ht_ctx *ctx, Body &&body) noexcept {
  const ht_status status = serve_run(ctx, std::forward<Body>(body));
  if (status == HT_INVALID_ARGUMENT && ctx->error) {
    Error fault(Status::kInternal, ctx->error->message());
    for (const std::string &note : ctx->error->notes()) fault.note(note);
    ctx->error = std::move(fault);
  }
  return status;
}

// A view of a constant tensor; shape and bytes live as long as the tensor.
ht_tensor_view view_of(const model::Tensor &tensor);

// A tensor with a copy of the view's elements; throws for blocked or strided views.
model::Tensor copy_of(const ht_tensor_view &view);

}  // namespace halftone::host
