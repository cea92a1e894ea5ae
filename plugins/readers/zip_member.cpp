#include "zip_member.h"

#include <minizip/unzip.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "halftone/status.hpp"

namespace halftone::readers {
namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10U;
constexpr unsigned kEncrypted = 1;
constexpr unsigned kStored = 0;

std::string member_name(const ZipArchive &archive, const ZipEntry &entry) {
  return "'" + entry.name + "' in '" + archive.path() + "'";
}

[[noreturn]] void damaged(const std::string &name, const std::string &why) {
  throw sdk::Failure(HT_DATA_LOSS, name + " is damaged: " + why + "; copy or save the archive again");
}

[[noreturn]] void ends_early(const std::string &name, std::uint64_t at) {
  damaged(name, "it ends at byte " + std::to_string(at) + ", before the data does");
}

// Null when the file is no archive.
unzFile open_archive(const std::string &path) {
  RandomFile readable(path);  // what is wrong with a file as such is said in the words of the other readers
  return unzOpen64(path.c_str());
}

// Nothing when the entry is damaged.
std::optional<ZipEntry> current_entry(unzFile file) {
  unz_file_info64 info{};
  unz64_file_pos place{};
  if (unzGetCurrentFileInfo64(file, &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK) return {};
  std::string name(info.size_filename, '\0');
  const int named = unzGetCurrentFileInfo64(file, &info, name.data(), name.size(), nullptr, 0, nullptr, 0);
  if (named != UNZ_OK || unzGetFilePos64(file, &place) != UNZ_OK) return {};
  const bool stored = info.compression_method == kStored && (info.flag & kEncrypted) == 0;
  return ZipEntry{std::move(name), place.num_of_file, place.pos_in_zip_directory, info.uncompressed_size, stored};
}

}  // namespace

void ZipStream::Close::operator()(void *file) const {
  unzClose(file);  // closes the member too
}

ZipArchive::ZipArchive(const std::filesystem::path &path) : path_(path.string()) {
  const std::unique_ptr<void, int (*)(unzFile)> file(open_archive(path_), &unzClose);
  unz_global_info64 all{};
  if (file == nullptr || unzGetGlobalInfo64(file.get(), &all) != UNZ_OK) {
    throw sdk::Failure(HT_DATA_LOSS,
                       "'" + path_ + "' is no zip archive, or it is cut off; save it again with numpy.savez");
  }
  for (std::uint64_t i = 0; i < all.number_entry; ++i) {
    const bool reached = i == 0 ? unzGoToFirstFile(file.get()) == UNZ_OK : unzGoToNextFile(file.get()) == UNZ_OK;
    std::optional<ZipEntry> entry = reached ? current_entry(file.get()) : std::nullopt;
    if (!entry) {
      throw sdk::Failure(HT_DATA_LOSS, "'" + path_ + "': member " + std::to_string(i) +
                                           " has a damaged entry; copy or save the archive again");
    }
    entries_.push_back(std::move(*entry));
  }
}

ZipStream::ZipStream(const ZipArchive &archive, const ZipEntry &entry)
    : file_(open_archive(archive.path())), name_(member_name(archive, entry)) {
  const unz64_file_pos place{entry.at, entry.number};
  if (file_ == nullptr || unzGoToFilePos64(file_.get(), &place) != UNZ_OK) {
    damaged(name_, "the archive has changed since it was opened");
  }
  unz_file_info64 info{};
  if (unzGetCurrentFileInfo64(file_.get(), &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK) {
    damaged(name_, "its entry cannot be read");
  }
  if ((info.flag & kEncrypted) != 0) {
    throw sdk::Failure(HT_DATA_LOSS, name_ + " is encrypted; save the archive without a password");
  }
  if (info.compression_method != kStored && info.compression_method != Z_DEFLATED) {
    throw sdk::Failure(HT_DATA_LOSS, name_ + " is compressed by a method that is not known here; save the archive " +
                                         "with numpy.savez or numpy.savez_compressed");
  }
  if (unzOpenCurrentFile(file_.get()) != UNZ_OK) damaged(name_, "what stands before its data contradicts its entry");
}

std::size_t ZipStream::next(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t piece = std::min(out.size() - done, kPiece);
    const int got = unzReadCurrentFile(file_.get(), out.data() + done, static_cast<unsigned>(piece));
    if (got < 0) damaged(name_, "its compressed data are broken at byte " + std::to_string(at_ + done));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  at_ += done;
  return done;
}

std::uint64_t ZipStream::data_offset() const {
  return unzGetCurrentFileZStreamPos64(file_.get());
}

bool ZipStream::checksum_matches() {
  return unzCloseCurrentFile(file_.get()) != UNZ_CRCERROR;
}

ZipMember::ZipMember(std::shared_ptr<const ZipArchive> archive, const ZipEntry &entry)
    : archive_(std::move(archive)), entry_(entry) {}

std::string ZipMember::name() const {
  return member_name(*archive_, entry_);
}

void ZipMember::skip(std::uint64_t bytes) const {
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kPiece)));
  while (bytes > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, piece.size()));
    if (stream_->next(std::span(piece).first(size)) < size) ends_early(name(), stream_->at());
    bytes -= size;
  }
}

void ZipMember::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > entry_.size || out.size() > entry_.size - offset) ends_early(name(), entry_.size);
  if (stored()) {
    if (!file_) {
      data_offset_ = ZipStream(*archive_, entry_).data_offset();
      file_.emplace(archive_->path());
    }
    file_->read(data_offset_ + offset, out);
    return;
  }
  if (!stream_ || offset < stream_->at()) stream_.emplace(*archive_, entry_);
  skip(offset - stream_->at());
  if (stream_->next(out) < out.size()) ends_early(name(), stream_->at());
}

void ZipMember::check() const {
  ZipStream whole(*archive_, entry_);
  std::vector<std::byte> piece(kPiece);
  while (whole.next(piece) == piece.size()) {
  }
  if (whole.at() != entry_.size) {
    damaged(name(), "it has " + std::to_string(whole.at()) + " bytes, the archive says " + std::to_string(entry_.size));
  }
  if (!whole.checksum_matches()) damaged(name(), "its checksum does not match");
}

}  // namespace halftone::readers
