// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL (hardware instructions where the CPU has them). Target vortex_sha256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vortex::base {

// Streaming digest. Not thread-safe. Aborts only when OpenSSL refuses, which these calls never do.
class Sha256 {
 public:
  using Bytes = std::array<std::uint8_t, 32>;

  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Update(std::string_view bytes);

  // Ends the stream; call once.
  Bytes Finish();
  // "sha256:<64 hex digits>", the form of OCI digests (image-spec, descriptor.md).
  std::string FinishDigest();

  static std::string Digest(std::string_view bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string HexLower(const std::uint8_t* data, std::size_t size);

// True for "sha256:" and 64 lower-case hex digits.
bool IsSha256Digest(std::string_view text);

}  // namespace vortex::base
