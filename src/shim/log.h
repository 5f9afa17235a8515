// SPDX-License-Identifier: Apache-2.0
// The shim's log: one line a call, in the text form of containerd's own, to the FIFO "log" of the
// bundle.
#pragma once

#include <initializer_list>
#include <string_view>

namespace vortex::shim {

enum class Level { kDebug, kInfo, kWarning, kError };

// Opens the FIFO at `path`. Until then lines go to descriptor 2.
void OpenLog(const char* path, bool debug);
// Parts are joined as they are. A line that nobody takes off the FIFO is dropped: the shim never
// waits.
void Log(Level level, std::initializer_list<std::string_view> parts);

}  // namespace vortex::shim
