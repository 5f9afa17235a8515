// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace vortex::sandbox {

// DT_SONAME of a 64-bit little-endian shared library; empty when the file is none or has none.
// Every offset in the file is checked, and little of it is read.
//   Source  elf(5)
std::string ElfSoname(int fd);

}  // namespace vortex::sandbox
