#include "core/host/isolation/link.h"

#include <utility>

namespace halftone::host {

Message Link::call(std::uint32_t function, std::uint32_t context, std::int32_t status, WireWriter &arguments) {
  std::unique_lock lock(mutex_);
  Message call;
  call.function = function;
  call.context = context;
  call.status = status;
  call.payload = arguments.take();
  call.files = std::move(arguments.files);
  channel_.send(call);
  while (true) {
    Message message = channel_.receive();
    if (message.kind == Message::Kind::kReturn) return message;
    serve(message, lock);
  }
}

void Link::serve_one() {
  std::unique_lock lock(mutex_);
  serve(channel_.receive(), lock);
}

// Without the lock, as what is served may take hours and call back from other threads.
void Link::serve(const Message &call, std::unique_lock<std::mutex> &lock) {
  lock.unlock();
  WireWriter answer;
  Message message;
  message.kind = Message::Kind::kReturn;
  message.status = serve_(call, answer);
  message.payload = answer.take();
  message.files = std::move(answer.files);
  lock.lock();
  channel_.send(message);
}

}  // namespace halftone::host
