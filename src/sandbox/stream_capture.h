// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace vortex::sandbox {

// What one output stream amounted to.
struct StreamResult {
  std::string kept;               // the first bytes, at most the cap; binary
  std::uint64_t bytes_total = 0;  // all that was printed
  bool truncated = false;         // bytes_total > kept.size()
  bool complete = true;           // false: the end of the stream was not seen
  std::string digest;             // "sha256:…" of all that was printed, kept or not
};

// Keeps the head of a stream up to a cap, and counts and digests all of it. Not thread-safe.
class StreamCapture {
 public:
  explicit StreamCapture(std::uint64_t cap) : cap_(cap) {}

  void Append(std::string_view bytes);
  std::uint64_t bytes_total() const { return result_.bytes_total; }
  // Call once.
  StreamResult Finish(bool complete);

 private:
  std::uint64_t cap_;
  StreamResult result_;
  base::Sha256 sha_;
};

}  // namespace vortex::sandbox
