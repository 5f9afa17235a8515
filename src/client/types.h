// SPDX-License-Identifier: Apache-2.0
// Plain value types of the containerd client. No protobuf type appears in these headers, so a
// program that uses the client compiles without the generated code. Every member has an
// initialiser, so that a designated initialiser may leave out any of them without a compiler
// warning.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/cancellation.h"

namespace vortex::client {

using Labels = std::map<std::string, std::string>;
using Time = std::chrono::system_clock::time_point;

// Applies to one call. Every call has a deadline; there is no infinite one.
struct CallOptions {
  // From now until the reply; DeadlineExceeded means the outcome is unknown. 0 or less: nothing is
  // sent.
  std::chrono::milliseconds timeout{10'000};
  // Lease that what this call creates belongs to (metadata "containerd-lease"); empty: none.
  std::string lease{};
  // Ends the call early with Cancelled. Not owned; may be null.
  base::Cancellation* cancel = nullptr;
};

// google.protobuf.Any: containerd's own type URLs have no "type.googleapis.com/" before them.
struct Any {
  std::string type_url{};
  std::string value{};
};

// OCI content descriptor (image-spec, descriptor.md).
struct Descriptor {
  std::string media_type{};
  std::string digest{};  // "sha256:…"
  std::int64_t size = 0;
  std::map<std::string, std::string> annotations{};
};

struct Mount {
  std::string type{};
  std::string source{};
  std::string target{};
  std::vector<std::string> options{};
};

}  // namespace vortex::client
