// SPDX-License-Identifier: Apache-2.0
// The strings by which containerd names a process's streams.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "shim/status.h"

namespace vortex::shim {

struct StdioUri {
  enum class Kind { kNull, kFifo, kFile, kBinary, kBinaryV2, kUnsupported };
  Kind kind = Kind::kNull;
  std::string path;
  std::vector<std::string>
      args;  // of a binary logger: key, value, key, value, …; empty values left out
};

// Empty, a path, fifo://path, file:///path, binary:///path?k=v&…, binary-v2://…; percent escapes
// are decoded.
StdioUri ParseStdioUri(std::string_view text);

// One output, ready to be handed over. `guard` keeps a FIFO's other end open, so that a reader's
// absence is neither an error nor a loss.
struct OutputEnd {
  base::UniqueFd fd;
  base::UniqueFd guard;
};
// Opens a FIFO (or another existing file, for appending) for writing. `nonblocking` is for our own
// use of it; a container gets a blocking description.
Status OpenOutput(const std::string& path, bool nonblocking, OutputEnd* out);
// Opens file:// targets: directories made (0755), file made (0644), appended to.
Status OpenFileOutput(const std::string& path, OutputEnd* out);

// The input: `guard` is a write end, without which a client's detach would be the end of input.
struct InputEnd {
  base::UniqueFd fd;
  base::UniqueFd guard;
};
Status OpenInput(const std::string& path, bool nonblocking, InputEnd* out);

}  // namespace vortex::shim
