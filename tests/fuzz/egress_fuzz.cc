// SPDX-License-Identifier: Apache-2.0
// What a plugin's bytes meet first: the request head and the ClientHello. Beyond not crashing: what
// is accepted has a host, and more bytes never unsay a refusal.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/client_hello.h"
#include "egress/host_name.h"
#include "egress/request_head.h"

namespace egress = vortex::egress;

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void OnHead(std::string_view text) {
  const egress::HeadResult whole = egress::ParseHead(text);
  if (!whole.problem) {
    Require(!whole.head.host.empty() && whole.head.port != 0);
    Require(!(whole.head.chunked && whole.head.content_length > 0));
    Require(whole.head.connect == whole.head.origin_target.empty());
    Require(whole.head.origin_target.find_first_of("\r\n ") == std::string::npos);
  }
  if (egress::CheckRawHead(text.substr(0, text.size() / 2)))
    Require(egress::CheckRawHead(text).has_value());
  if (const auto name = egress::NormalizeHost(text)) {
    Require(egress::NormalizeHost(*name) == name && !egress::LooksLikeAddress(*name));
  }
}

void OnHello(std::string_view text) {
  using State = egress::ClientHello::State;
  const egress::ClientHello half = egress::ParseClientHello(text.substr(0, text.size() / 2));
  const egress::ClientHello whole = egress::ParseClientHello(text);
  if (half.state == State::kComplete) {
    Require(whole.state == State::kComplete && whole.server_name == half.server_name);
  }
  if (half.state == State::kNotTls || half.state == State::kMalformed)
    Require(whole.state == half.state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    OnHead(text);
  } else {
    OnHello(text);
  }
  return 0;
}
