// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

// The plain functions, which OpenSSL 3 calls deprecated and keeps: EVP would set up providers,
// ciphers and error texts first, 1.5 ms at the start of every program.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>

namespace vortex::base {
namespace {
constexpr std::string_view kPrefix = "sha256:";
}

struct Sha256::Impl {
  SHA256_CTX ctx{};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  if (SHA256_Init(&impl_->ctx) != 1) std::abort();
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&& other) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(std::string_view bytes) {
  if (SHA256_Update(&impl_->ctx, bytes.data(), bytes.size()) != 1) std::abort();
}

Sha256::Bytes Sha256::Finish() {
  Bytes out{};
  if (SHA256_Final(out.data(), &impl_->ctx) != 1) std::abort();
  return out;
}

std::string Sha256::FinishDigest() {
  const Bytes bytes = Finish();
  return std::string(kPrefix) + HexLower(bytes.data(), bytes.size());
}

std::string Sha256::Digest(std::string_view bytes) {
  Sha256 sha;
  sha.Update(bytes);
  return sha.FinishDigest();
}

std::string HexLower(const std::uint8_t* data, std::size_t size) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kHex[data[i] >> 4];
    out += kHex[data[i] & 15];
  }
  return out;
}

bool IsSha256Digest(std::string_view text) {
  if (text.size() != kPrefix.size() + 64 || !text.starts_with(kPrefix)) return false;
  return std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace vortex::base
