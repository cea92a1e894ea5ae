#include "core/check/exported_symbols.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file.h"

namespace halftone::check {

namespace {

using Bytes = std::span<const std::byte>;

template <typename T>
T at(Bytes bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
    fail(Status::kDataLoss, "its table of symbols reaches beyond the end of the file");
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return out;
}

Bytes part(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || bytes.size() - offset < size)
    fail(Status::kDataLoss, "its table of symbols reaches beyond the end of the file");
  return bytes.subspan(offset, size);
}

bool is_exported(const Elf64_Sym &symbol) {
  const auto binding = ELF64_ST_BIND(symbol.st_info);
  const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS && binding != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

}  // namespace

std::vector<std::string> exported_symbols(const std::filesystem::path &file) {
  const std::string text = read_file(file);
  const Bytes bytes = std::as_bytes(std::span(text));
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    fail(Status::kInvalidArgument, "it is no 64-bit ELF library");
  std::vector<std::string> out;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    const auto section = at<Elf64_Shdr>(bytes, header.e_shoff + i * std::uint64_t{header.e_shentsize});
    if (section.sh_type != SHT_DYNSYM || section.sh_entsize < sizeof(Elf64_Sym)) continue;
    const auto strings = at<Elf64_Shdr>(bytes, header.e_shoff + section.sh_link * std::uint64_t{header.e_shentsize});
    const Bytes names = part(bytes, strings.sh_offset, strings.sh_size);
    for (std::uint64_t s = 0; s < section.sh_size / section.sh_entsize; ++s) {
      const auto symbol = at<Elf64_Sym>(bytes, section.sh_offset + s * section.sh_entsize);
      if (!is_exported(symbol) || symbol.st_name >= names.size()) continue;
      const auto *name = reinterpret_cast<const char *>(names.data()) + symbol.st_name;
      out.emplace_back(name, ::strnlen(name, names.size() - symbol.st_name));
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace halftone::check
