// SPDX-License-Identifier: Apache-2.0
#include "base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>

namespace vortex::base {
namespace {
constexpr std::string_view kPrefix = "sha256:";
}

struct Sha256::Impl {
  EVP_MD_CTX* ctx;
};

Sha256::Sha256() : impl_(new Impl{EVP_MD_CTX_new()}) {
  if (impl_->ctx == nullptr || EVP_DigestInit_ex(impl_->ctx, EVP_sha256(), nullptr) != 1) {
    std::abort();
  }
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Sha256::~Sha256() {
  if (impl_) EVP_MD_CTX_free(impl_->ctx);
}

void Sha256::Update(std::string_view bytes) {
  if (EVP_DigestUpdate(impl_->ctx, bytes.data(), bytes.size()) != 1) std::abort();
}

Sha256::Bytes Sha256::Finish() {
  Bytes out{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(impl_->ctx, out.data(), &size) != 1) std::abort();
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
