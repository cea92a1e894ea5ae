// Messages over a socket between the host and a worker process, with memory that travels as file descriptors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace halftone::host {

// A file descriptor that is closed once.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor &&other) noexcept;
  Descriptor &operator=(Descriptor &&other) noexcept;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

struct Message {
  enum class Kind : std::uint32_t { kCall = 1, kReturn = 2 };
  Kind kind = Kind::kCall;
  std::uint32_t function = 0;  // of a call
  std::uint32_t context = 0;   // of a call: which context it is for
  std::int32_t status = 0;     // of a return
  std::string payload;
  std::vector<Descriptor> files;
};

// Both ends check what they read: the other process may be broken.
class Channel {
 public:
  // `tick` is called about twenty times a second while there is nothing to do but wait, and throws to give up.
  Channel(Descriptor socket, std::function<void()> tick) : socket_(std::move(socket)), tick_(std::move(tick)) {}

  void send(const Message &message);
  // Throws DataLoss with kClosed as its text when the other end is gone, or with another for what is no message.
  Message receive();
  static constexpr const char *kClosed = "the other process is gone";

 private:
  void wait(short events);
  void send_all(std::span<const char> bytes, std::span<const Descriptor> files);
  void receive_all(std::span<char> bytes, std::vector<Descriptor> *files);

  Descriptor socket_;
  std::function<void()> tick_;
};

// Bytes in memory that both processes have, read only from now on.
class SharedBytes {
 public:
  static Descriptor make(std::span<const std::byte> bytes);
  // Throws DataLoss for memory that its sender could still change or shorten.
  static std::shared_ptr<const SharedBytes> map(const Descriptor &file, std::uint64_t size);
  ~SharedBytes();
  SharedBytes(const SharedBytes &) = delete;
  SharedBytes &operator=(const SharedBytes &) = delete;
  const void *data() const noexcept { return data_; }

 private:
  SharedBytes(void *data, std::size_t size) : data_(data), size_(size) {}
  void *data_;
  std::size_t size_;
};

}  // namespace halftone::host
