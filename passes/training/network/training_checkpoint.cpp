#include "training_checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>

#include "halftone/content_digest.hpp"

namespace halftone::passes {
namespace {

constexpr std::string_view kMagic = "halftone training checkpoint 1\n";

// Fields of the file, one behind the other in the machine's own order; the digest of all before it is the last.
class Writer {
 public:
  Writer() { put(std::as_bytes(std::span(kMagic))); }
  void put(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  template <typename Number>
  void number(Number value) {
    put(std::as_bytes(std::span(&value, 1)));
  }
  void block(const std::vector<std::byte> &bytes) {
    number<std::uint64_t>(bytes.size());
    put(bytes);
  }
  std::vector<std::byte> sealed() {
    sdk::ContentDigest digest;
    digest.add(std::span<const std::byte>(bytes_));
    number(digest.value());
    return std::move(bytes_);
  }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}
  template <typename Number>
  Number number() {
    Number value{};
    const std::span<const std::byte> from = take(sizeof(value));
    std::memcpy(&value, from.data(), sizeof(value));
    return value;
  }
  std::vector<std::byte> block() {
    const std::span<const std::byte> from = take(number<std::uint64_t>());
    return {from.begin(), from.end()};
  }

 private:
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > left_.size()) throw sdk::Failure(HT_INTERNAL, "a field of a whole checkpoint ends behind its file");
    const auto part = left_.first(static_cast<std::size_t>(size));
    left_ = left_.subspan(part.size());
    return part;
  }
  std::span<const std::byte> left_;
};

[[noreturn]] void give_up(const std::string &path, const std::string &what, int error) {
  throw sdk::Failure(error == EACCES ? HT_PERMISSION_DENIED : HT_RESOURCE_EXHAUSTED,
                     "the checkpoint '" + path + "' " + what + ": " + std::strerror(error));
}

std::vector<std::byte> read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) give_up(path, "cannot be read", errno);
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const auto *bytes = reinterpret_cast<const std::byte *>(text.data());
  return {bytes, bytes + text.size()};
}

bool is_whole(std::span<const std::byte> bytes) {
  if (bytes.size() < kMagic.size() + sizeof(std::uint64_t)) return false;
  const std::span<const std::byte> content = bytes.first(bytes.size() - sizeof(std::uint64_t));
  sdk::ContentDigest digest;
  digest.add(content);
  std::uint64_t stored = 0;
  std::memcpy(&stored, bytes.data() + content.size(), sizeof(stored));
  return stored == digest.value();
}

bool has_magic(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

// A file of this process beside the final one, which goes away unless it is put in place.
class PartFile {
 public:
  explicit PartFile(const std::string &path);
  PartFile(const PartFile &) = delete;
  PartFile &operator=(const PartFile &) = delete;
  ~PartFile() {
    if (file_ >= 0) ::close(file_);
    if (!placed_) ::unlink(part_.c_str());
  }
  void write(std::span<const std::byte> bytes) const;
  void put_in_place();

 private:
  const std::string &path_;
  std::string part_;
  int file_ = -1;
  bool placed_ = false;
};

// A file that is there already is somebody else's, or of a process that was killed and had the same number: it stays.
PartFile::PartFile(const std::string &path) : path_(path) {
  const std::string start = path + '.' + std::to_string(::getpid()) + '.';
  for (std::uint64_t number = 0; file_ < 0; ++number) {
    part_ = start + std::to_string(number) + ".part";
    file_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file_ < 0 && errno != EEXIST) give_up(path_, "cannot be written", errno);
  }
}

void PartFile::write(std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) give_up(path_, "cannot be written", done < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void PartFile::put_in_place() {
  if (::fsync(file_) != 0) give_up(path_, "cannot be flushed to the disk", errno);
  if (std::rename(part_.c_str(), path_.c_str()) != 0) give_up(path_, "cannot be put in place", errno);
  placed_ = true;
}

// So that the new name lasts; a file system that cannot flush folders keeps it as long as the machine runs.
void flush_folder(const std::string &path) {
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  const int open = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (open < 0) return;
  (void)::fsync(open);
  ::close(open);
}

}  // namespace

std::optional<TrainingState> TrainingCheckpoint::load(bool resumes) const {
  std::error_code error;
  (void)PartFile(path_);  // whether it can be written is told before hours of training, and not behind them
  if (!std::filesystem::exists(path_, error)) return std::nullopt;
  if (!std::filesystem::is_regular_file(path_, error)) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "`checkpoint` is '" + path_ + "', which is not a file");
  }
  const std::vector<std::byte> bytes = read_file(path_);
  if (!has_magic(bytes)) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "`checkpoint` is '" + path_ + "', which is no checkpoint of a training; name another file");
  }
  if (!resumes) return std::nullopt;
  if (!is_whole(bytes)) {
    throw sdk::Failure(HT_DATA_LOSS, "the checkpoint '" + path_ + "' is damaged; remove it to begin anew");
  }
  Reader reader(std::span<const std::byte>(bytes).subspan(kMagic.size()));
  const auto model = reader.number<std::uint64_t>(), data = reader.number<std::uint64_t>(),
             options = reader.number<std::uint64_t>();
  const char *other = model != identity_.model ? "model" : data != identity_.data ? "data" : "parameters";
  if (model != identity_.model || data != identity_.data || options != identity_.options) {
    throw sdk::Failure(HT_FAILED_PRECONDITION, "the checkpoint '" + path_ + "' is of a training with other " + other +
                                                   "; name another file, or set `resume: false` to begin anew");
  }
  TrainingState state;
  state.step = reader.number<std::uint64_t>();
  state.best = reader.number<std::uint64_t>();
  state.epochs.resize(static_cast<std::size_t>(reader.number<std::uint64_t>()));
  for (NetworkScore &score : state.epochs) {
    score.loss = reader.number<double>(), score.noise = reader.number<double>(), score.misses = reader.number<double>();
  }
  state.session = reader.block();
  state.best_session = reader.block();
  return state;
}

void TrainingCheckpoint::store(const TrainingState &state) const {
  Writer writer;
  for (const std::uint64_t each : {identity_.model, identity_.data, identity_.options, state.step, state.best}) {
    writer.number(each);
  }
  writer.number<std::uint64_t>(state.epochs.size());
  for (const NetworkScore &score : state.epochs) {
    for (const double each : {score.loss, score.noise, score.misses}) writer.number(each);
  }
  writer.block(state.session);
  writer.block(state.best_session);
  PartFile file(path_);
  file.write(writer.sealed());
  file.put_in_place();
  flush_folder(path_);
}

}  // namespace halftone::passes
