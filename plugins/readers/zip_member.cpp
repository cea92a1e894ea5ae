#include "zip_member.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <utility>

#include "halftone/status.hpp"

namespace halftone::readers {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10U;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

[[noreturn]] void refuse_archive(const std::string &path, int code) {
  if (code == ZIP_ER_NOZIP || code == ZIP_ER_INCONS) {
    throw sdk::Failure(HT_DATA_LOSS,
                       "'" + path + "' is no zip archive, or it is cut off; save it again with numpy.savez");
  }
  throw sdk::Failure(HT_DATA_LOSS, "'" + path + "' cannot be read as a zip archive: " + text_of(code));
}

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path &path) : path_(path.string()) {
  RandomFile readable(path);  // what is wrong with a file as such is said in the words of the other readers
  int code = 0;
  archive_ = zip_open(path_.c_str(), ZIP_RDONLY, &code);
  if (archive_ == nullptr) refuse_archive(path_, code);
  const zip_int64_t count = zip_get_num_entries(archive_, 0);
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(archive_, i, 0, &stat) != 0 || (stat.valid & kNeeded) != kNeeded) {
      zip_discard(std::exchange(archive_, nullptr));
      throw sdk::Failure(HT_DATA_LOSS, "'" + path_ + "': member " + std::to_string(i) + " has a damaged entry");
    }
    const bool encrypted = (stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE;
    entries_.push_back({stat.name, i, stat.size, stat.comp_method == ZIP_CM_STORE && !encrypted});
  }
}

ZipArchive::~ZipArchive() {
  if (archive_ != nullptr) zip_discard(archive_);
}

ZipMember::ZipMember(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry)
    : archive_(std::move(archive)), entry_(entry) {}

ZipMember::~ZipMember() {
  close();
}

void ZipMember::close() const noexcept {
  if (file_ != nullptr) zip_fclose(std::exchange(file_, nullptr));
}

void ZipMember::damaged(const std::string &why) const {
  close();  // what the stream would give next is unknown
  throw sdk::Failure(HT_DATA_LOSS, name() + " is damaged: " + why + "; copy or save the archive again");
}

void ZipMember::reopen() const {
  close();
  at_ = 0;
  file_ = zip_fopen_index(archive_->archive_, entry_.number, 0);
  if (file_ != nullptr) return;
  const int code = zip_error_code_zip(zip_get_error(archive_->archive_));
  if (code == ZIP_ER_NOPASSWD || code == ZIP_ER_ENCRNOTSUPP) {
    throw sdk::Failure(HT_DATA_LOSS, name() + " is encrypted; save the archive without a password");
  }
  if (code == ZIP_ER_COMPNOTSUPP) {
    throw sdk::Failure(HT_DATA_LOSS, name() + " is compressed by a method that is not known here; save the archive " +
                                         "with numpy.savez or numpy.savez_compressed");
  }
  damaged(text_of(code));
}

std::size_t ZipMember::next(std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const zip_int64_t got = zip_fread(file_, out.data() + done, out.size() - done);
    if (got < 0) {
      const int code = zip_error_code_zip(zip_file_get_error(file_));
      damaged(code == ZIP_ER_CRC ? "its checksum does not match" : text_of(code));
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  at_ += done;
  return done;
}

void ZipMember::skip(std::uint64_t bytes) const {
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kPiece)));
  while (bytes > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    if (next(std::span(piece).first(size)) < size) damaged("it ends at byte " + std::to_string(at_));
    bytes -= size;
  }
}

void ZipMember::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (file_ == nullptr || (offset < at_ && !stored())) reopen();
  if (stored() && offset != at_) {
    if (zip_fseek(file_, static_cast<zip_int64_t>(offset), SEEK_SET) != 0) {
      damaged(text_of(zip_error_code_zip(zip_file_get_error(file_))));
    }
    at_ = offset;
  }
  skip(offset - at_);
  if (next(out) < out.size()) damaged("it ends at byte " + std::to_string(at_) + ", before the data does");
}

void ZipMember::check() const {
  reopen();
  std::vector<std::byte> piece(kPiece);
  while (next(piece) == piece.size()) {
  }
  // The checksum is compared when the last byte has been read.
  if (at_ != entry_.size) {
    damaged("it has " + std::to_string(at_) + " bytes, the archive says " + std::to_string(entry_.size));
  }
  close();
}

}  // namespace halftone::readers
