#include "core/host/elf.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"

namespace halftone::host {
namespace {

#if defined(__x86_64__)
constexpr unsigned kThisMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kThisMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr unsigned kThisMachine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr unsigned kThisMachine = EM_PPC64;
#elif defined(__s390x__)
constexpr unsigned kThisMachine = EM_S390;
#else
#error "name this machine's ELF number"
#endif
static_assert(sizeof(void *) == 8, "plug-ins are 64-bit libraries");

using Bytes = std::span<const std::byte>;

std::string machine_name(unsigned machine) {
  constexpr std::pair<unsigned, const char *> kNames[] = {
      {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},   {EM_ARM, "arm"},
      {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},     {EM_S390, "s390x"}, {EM_MIPS, "mips"},
  };
  for (const auto &[number, name] : kNames) {
    if (number == machine) return name;
  }
  return fmt::format("machine number {}", machine);
}

// A header at an offset, or nothing when the file ends before it does. Copied: offsets need not be aligned.
template <typename T>
std::optional<T> at(Bytes bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

std::uint64_t end_of(std::uint64_t offset, std::uint64_t size) {
  std::uint64_t end = 0;
  return __builtin_add_overflow(offset, size, &end) ? ~std::uint64_t{0} : end;
}

// How long the file must be for everything that its headers name.
std::uint64_t needed_size(Bytes bytes, const Elf64_Ehdr &header) {
  std::uint64_t needed = sizeof header;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const std::uint64_t offset = end_of(header.e_phoff, std::uint64_t{i} * header.e_phentsize);
    needed = std::max(needed, end_of(offset, sizeof(Elf64_Phdr)));
    const auto segment = at<Elf64_Phdr>(bytes, offset);
    if (segment) needed = std::max(needed, end_of(segment->p_offset, segment->p_filesz));
  }
  if (header.e_shoff == 0) return needed;  // stripped of its section table
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const std::uint64_t offset = end_of(header.e_shoff, std::uint64_t{i} * header.e_shentsize);
    needed = std::max(needed, end_of(offset, sizeof(Elf64_Shdr)));
    const auto section = at<Elf64_Shdr>(bytes, offset);
    if (section && section->sh_type != SHT_NOBITS && section->sh_type != SHT_NULL) {
      needed = std::max(needed, end_of(section->sh_offset, section->sh_size));
    }
  }
  return needed;
}

void check_bytes(Bytes bytes, const std::string &label) {
  if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) {
    fail(Status::kInvalidArgument, "{}: it is no shared library (no ELF header); name a plug-in's .so file", label);
  }
  const auto ident = at<std::array<unsigned char, EI_NIDENT>>(bytes, 0);
  if (ident && (*ident)[EI_CLASS] != ELFCLASS64) {
    fail(Status::kFailedPrecondition,
         "{}: it is a 32-bit library and this program is 64-bit; get a build for this machine", label);
  }
  constexpr unsigned char kThisOrder = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
  if (ident && (*ident)[EI_DATA] != kThisOrder) {
    fail(Status::kFailedPrecondition, "{}: it is built for the other byte order; get a build for this machine", label);
  }
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (header && header->e_machine != kThisMachine) {
    fail(Status::kFailedPrecondition, "{}: built for {}, this machine is {}; get a build for this machine", label,
         machine_name(header->e_machine), machine_name(kThisMachine));
  }
  if (header && header->e_type != ET_DYN) {
    fail(Status::kInvalidArgument, "{}: it is no shared library but a program or an object file; link it as a module",
         label);
  }
  const std::uint64_t needed = header ? needed_size(bytes, *header) : sizeof(Elf64_Ehdr);
  if (needed > bytes.size()) {
    fail(Status::kDataLoss, "{}: it is truncated: {} bytes of {}; copy or build it again", label, bytes.size(), needed);
  }
}

}  // namespace

void check_elf(const std::filesystem::path &file) {
  const std::string label = fmt::format("plug-in '{}'", file.string());
  std::shared_ptr<const MappedFile> content;
  try {
    content = MappedFile::open(file);
  } catch (const Error &error) {
    throw Error(error.status(), label + ": " + error.message());
  }
  check_bytes(content->bytes(), label);
}

}  // namespace halftone::host
