// Calls over a channel, in both directions: while one side waits for an answer it serves what the other side asks
// meanwhile, one thing inside the other, as calls of functions do.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>

#include "core/host/isolation/channel.h"
#include "core/host/isolation/wire.h"

namespace halftone::host {

class Link {
 public:
  // Does what a call of the other side asks, and gives its status.
  using Serve = std::function<std::int32_t(const Message &call, WireWriter &answer)>;

  Link(Descriptor socket, std::function<void()> tick, Serve serve)
      : channel_(std::move(socket), std::move(tick)), serve_(std::move(serve)) {}

  // From any thread, one at a time; while a call of the other side is served, others may go.
  Message call(std::uint32_t function, std::uint32_t context, std::int32_t status, WireWriter &arguments);
  // One call of the other side, when nothing is asked of it.
  void serve_one();

 private:
  void serve(const Message &call, std::unique_lock<std::mutex> &lock);

  std::mutex mutex_;
  Channel channel_;
  Serve serve_;
};

}  // namespace halftone::host
