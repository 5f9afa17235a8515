// SPDX-License-Identifier: Apache-2.0
#include "shim/idle_memory.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

// The linker's name for the start of the program in memory (GNU ld, default linker script).
extern "C" const ElfW(Ehdr) __ehdr_start;

namespace vortex::shim {

void ReturnIdleMemory() {
  const auto page = static_cast<std::uintptr_t>(::getpagesize());
  ::malloc_trim(0);
  const auto base = reinterpret_cast<std::uintptr_t>(&__ehdr_start);
  const auto* segment = reinterpret_cast<const ElfW(Phdr)*>(base + __ehdr_start.e_phoff);
  std::uintptr_t bias = base;  // the first loaded segment starts with the header
  bool first = true;
  for (int i = 0; i < __ehdr_start.e_phnum; ++i, ++segment) {
    if (segment->p_type != PT_LOAD) continue;
    if (first) bias -= segment->p_vaddr;
    first = false;
    // What a written segment holds is nowhere else.
    if ((segment->p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = bias + segment->p_vaddr;
    const std::uintptr_t end = begin + segment->p_memsz;
    ::madvise(reinterpret_cast<void*>(begin & ~(page - 1)), end - (begin & ~(page - 1)),
              MADV_DONTNEED);
  }
}

}  // namespace vortex::shim
