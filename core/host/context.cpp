#include "core/host/context.h"

#include <algorithm>
#include <new>
#include <utility>

namespace halftone::host {

namespace {
constexpr std::size_t kChunk = std::size_t{64} << 10;

std::size_t align_up(std::size_t offset, std::size_t alignment) {
  return (offset + alignment - 1) & ~(alignment - 1);
}
}  // namespace

void *Arena::allocate(std::size_t bytes, std::size_t alignment) {
  if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > 4096) {
    fail(Status::kInvalidArgument, "arena alignment {} is not a power of two up to 4096", alignment);
  }
  for (; current_ < chunks_.size(); ++current_) {
    Chunk &chunk = chunks_[current_];
    const auto base = reinterpret_cast<std::uintptr_t>(chunk.bytes.get());
    const std::size_t start = align_up(base + chunk.used, alignment) - base;
    if (start <= chunk.size && bytes <= chunk.size - start) {
      chunk.used = start + bytes;
      return chunk.bytes.get() + start;
    }
  }
  const std::size_t size = std::max({kChunk, bytes + alignment, std::exchange(next_chunk_, 0)});
  if (size < bytes) throw std::bad_alloc();
  require(size);
  chunks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size, 0});
  held_ += size;
  current_ = chunks_.size() - 1;
  return allocate(bytes, alignment);
}

void Arena::require(std::size_t bytes) const {
  const std::size_t used = held_ + charged_;
  if (bytes <= limit_ && used <= limit_ - bytes) return;
  fail(Status::kResourceExhausted, "{} bytes are needed, and the memory budget leaves {}; raise `memory_budget`",
       used + bytes, limit_);
}

void Arena::charge(std::size_t bytes) {
  require(bytes);
  charged_ += bytes;
}

void Arena::reset() noexcept {
  charged_ = 0;
  current_ = 0;
  if (chunks_.size() > 1) {
    next_chunk_ = held_;
    held_ = 0;
    chunks_.clear();
  }
  for (Chunk &chunk : chunks_) chunk.used = 0;
}

void call_component(Context &ctx, const std::function<ht_status()> &body) {
  ctx.forget_error();
  ht_status status = HT_OK;
  try {
    status = body();
  } catch (const std::exception &thrown) {
    fail(Status::kInternal, "component '{}' let an exception cross the plug-in boundary: {}", ctx.component,
         thrown.what());
  } catch (...) {
    fail(Status::kInternal, "component '{}' let an exception cross the plug-in boundary", ctx.component);
  }
  // A failure that the component got over is nobody's business any more. One that it went on after and then reported
  // by its status alone still says why, when it is the same.
  const std::optional<Error> error = std::exchange(ctx.error, std::nullopt);
  // An edit that was refused is recorded as a fault of the component (serve_edit), which knows it by another status.
  const auto says = [&](ht_status wanted) { return static_cast<ht_status>(error->status()) == wanted; };
  const bool explains =
      error && (!ctx.recovered || says(status) || (status == HT_INVALID_ARGUMENT && says(HT_INTERNAL)));
  ctx.recovered = false;
  if (ctx.called_by_stranger.exchange(false, std::memory_order_relaxed)) {
    fail(Status::kInternal,
         "component '{}' called a service from a thread of its own that only the thread it was called on may use; what "
         "it asked for there was not done",
         ctx.component);
  }
  if (status == HT_OK) return;
  if (explains) throw Error(*error);
  fail(static_cast<Status>(status), "component '{}' failed with status {} and said nothing about it", ctx.component,
       status);
}

}  // namespace halftone::host

ht_status ht_ctx::record(ht_status status, std::string text, ht_handle subject) {
  if (working != nullptr && subject != HT_NONE && working->model.alive(subject)) {
    using halftone::model::HandleKind;
    switch (halftone::model::handle_kind(subject)) {
      case HandleKind::kNode: {
        const auto &node = working->model.node(subject);
        text += fmt::format(" (node '{}', {})", node.name, node.op_type);
        break;
      }
      case HandleKind::kValue:
        text += fmt::format(" (value '{}')", working->model.value(subject).name);
        break;
      default:
        break;
    }
  }
  if (recovered) forget_error();
  if (error) {
    error->note(std::move(text));
  } else {
    error.emplace(static_cast<halftone::Status>(status), std::move(text));
  }
  return status;
}

ht_status ht_ctx::record(const halftone::Error &failure) {
  if (recovered) forget_error();
  if (error) {
    error->note(failure.message());
  } else {
    error.emplace(failure);
  }
  return static_cast<ht_status>(failure.status());
}
