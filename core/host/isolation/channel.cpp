#include "core/host/isolation/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"

namespace halftone::host {
namespace {

constexpr std::uint32_t kMagic = 0x48544C4B;
constexpr std::size_t kMostFiles = 64;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32;  // of a payload; tensors travel beside it
constexpr int kTickMilliseconds = 50;

struct Header {
  std::uint32_t magic, kind, function, context;
  std::int32_t status;
  std::uint32_t file_count;
  std::uint64_t size;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
Descriptor::Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor &Descriptor::operator=(Descriptor &&other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void Channel::wait(short events) {
  while (true) {
    struct pollfd poll = {socket_.get(), events, 0};
    const int ready = ::poll(&poll, 1, kTickMilliseconds);
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) fail(Status::kDataLoss, "{}", kClosed);
    if (tick_) tick_();
  }
}

void Channel::send_all(std::span<const char> bytes, std::span<const Descriptor> files) {
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFiles)] = {};
  while (!bytes.empty()) {
    struct iovec part = {const_cast<char *>(bytes.data()), bytes.size()};
    struct msghdr message {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!files.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(sizeof(int) * files.size());
      struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int) * files.size());
      for (std::size_t i = 0; i < files.size(); ++i) {
        const int fd = files[i].get();
        std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
      }
    }
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) fail(Status::kDataLoss, "{}", kClosed);
      wait(POLLOUT);
      continue;
    }
    files = {};
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void Channel::send(const Message &message) {
  if (message.files.size() > kMostFiles) {
    fail(Status::kResourceExhausted, "a call hands over {} large tensors at once, at most {} can be",
         message.files.size(), kMostFiles);
  }
  const Header header{
      kMagic,         static_cast<std::uint32_t>(message.kind),         message.function,      message.context,
      message.status, static_cast<std::uint32_t>(message.files.size()), message.payload.size()};
  // One system call for a small message.
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
  constexpr std::size_t kSmall = std::size_t{64} << 10;
  const bool small = message.payload.size() <= kSmall;
  if (small) bytes += message.payload;
  send_all(bytes, message.files);
  if (!small) send_all(message.payload, {});
}

void Channel::receive_all(std::span<char> bytes, std::vector<Descriptor> *files) {
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostFiles)];
  while (!bytes.empty()) {
    struct iovec part = {bytes.data(), bytes.size()};
    struct msghdr message {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) fail(Status::kDataLoss, "{}", kClosed);
      wait(POLLIN);
      continue;
    }
    if (got == 0) fail(Status::kDataLoss, "{}", kClosed);
    for (struct cmsghdr *rights = CMSG_FIRSTHDR(&message); rights != nullptr; rights = CMSG_NXTHDR(&message, rights)) {
      if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
      for (std::size_t at = 0; at + sizeof(int) <= rights->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights) + at, sizeof fd);
        Descriptor file(fd);
        if (files != nullptr) files->push_back(std::move(file));
      }
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

Message Channel::receive() {
  Header header{};
  Message message;
  receive_all({reinterpret_cast<char *>(&header), sizeof header}, &message.files);
  const bool known = header.kind == static_cast<std::uint32_t>(Message::Kind::kCall) ||
                     header.kind == static_cast<std::uint32_t>(Message::Kind::kReturn);
  if (header.magic != kMagic || !known || header.size > kMostBytes || header.file_count != message.files.size()) {
    fail(Status::kDataLoss, "what the other process sent is no message");
  }
  message.kind = static_cast<Message::Kind>(header.kind);
  message.function = header.function;
  message.context = header.context;
  message.status = header.status;
  message.payload.resize(static_cast<std::size_t>(header.size));
  receive_all(message.payload, nullptr);
  return message;
}

Descriptor SharedBytes::make(std::span<const std::byte> bytes) {
  Descriptor file(::memfd_create("halftone-tensor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) fail(Status::kResourceExhausted, "no shared memory for a tensor: {}", std::strerror(errno));
  while (!bytes.empty()) {
    const ssize_t done = ::write(file.get(), bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(Status::kResourceExhausted, "no shared memory for a tensor: {}", std::strerror(errno));
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return file;
}

std::shared_ptr<const SharedBytes> SharedBytes::map(const Descriptor &file, std::uint64_t size) {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_WRITE;
  struct stat status {};
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(file.get(), &status) != 0 || size == 0 ||
      static_cast<std::uint64_t>(status.st_size) < size) {
    fail(Status::kDataLoss, "the memory that the other process sent is not what it says");
  }
  void *data = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (data == MAP_FAILED)
    fail(Status::kResourceExhausted, "a shared tensor cannot be mapped: {}", std::strerror(errno));
  return std::shared_ptr<const SharedBytes>(new SharedBytes(data, static_cast<std::size_t>(size)));
}

SharedBytes::~SharedBytes() {
  ::munmap(data_, size_);
}

}  // namespace halftone::host
