// SPDX-License-Identifier: Apache-2.0
#include "sandbox/elf_soname.h"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace vortex::sandbox {
namespace {

constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxDynamic = 1024;
constexpr std::size_t kMaxName = 255;

// Fewer than `count` items when the file ends.
template <typename T>
std::vector<T> ReadItems(int fd, std::uint64_t offset, std::size_t count) {
  std::vector<T> items(count);
  if (offset > INT64_MAX) return {};
  const ssize_t got = ::pread(fd, items.data(), count * sizeof(T), static_cast<off_t>(offset));
  items.resize(got > 0 ? static_cast<std::size_t>(got) / sizeof(T) : 0);
  return items;
}

// Where the file has what the library has in memory at `address`.
std::optional<std::uint64_t> FileOffset(const std::vector<Elf64_Phdr>& headers,
                                        std::uint64_t address) {
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type == PT_LOAD && address >= header.p_vaddr &&
        address - header.p_vaddr < header.p_filesz)
      return header.p_offset + (address - header.p_vaddr);
  }
  return std::nullopt;
}

}  // namespace

std::string ElfSoname(int fd) {
  const auto head = ReadItems<Elf64_Ehdr>(fd, 0, 1);
  if (head.empty() || std::memcmp(head[0].e_ident, ELFMAG, SELFMAG) != 0 ||
      head[0].e_ident[EI_CLASS] != ELFCLASS64 || head[0].e_ident[EI_DATA] != ELFDATA2LSB ||
      head[0].e_type != ET_DYN || head[0].e_phentsize != sizeof(Elf64_Phdr))
    return "";
  const auto headers = ReadItems<Elf64_Phdr>(fd, head[0].e_phoff,
                                             std::min<std::size_t>(head[0].e_phnum, kMaxHeaders));
  for (const Elf64_Phdr& header : headers) {
    if (header.p_type != PT_DYNAMIC) continue;
    const auto entries = ReadItems<Elf64_Dyn>(
        fd, header.p_offset,
        std::min<std::size_t>(header.p_filesz / sizeof(Elf64_Dyn), kMaxDynamic));
    std::optional<std::uint64_t> name, strings;
    for (const Elf64_Dyn& entry : entries) {
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_SONAME) name = entry.d_un.d_val;
      if (entry.d_tag == DT_STRTAB) strings = FileOffset(headers, entry.d_un.d_ptr);
    }
    if (!name || !strings || *name > UINT32_MAX) return "";
    const auto text = ReadItems<char>(fd, *strings + *name, kMaxName + 1);
    const auto end = std::find(text.begin(), text.end(), '\0');
    return end == text.end() ? "" : std::string(text.begin(), end);
  }
  return "";
}

}  // namespace vortex::sandbox
