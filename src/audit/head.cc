// SPDX-License-Identifier: Apache-2.0
#include "audit/head.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace vortex::audit {
namespace {

constexpr std::size_t kSeqDigits = 20;  // of the largest 64-bit number

std::optional<std::uint64_t> ParseSeq(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0)
    return std::nullopt;
  return value;
}

}  // namespace

std::string EncodeHead(const Head& head) {
  std::string out = fmt::format(
      R"({{"version":1,"log_id":"{}","seq":{},"hash":"{}","segment":{},"first_seq":{},"bytes":{},)"
      R"("began_unix_ns":{},"synced_unix_ns":{},"lost":{},"sealed":{}}})",
      head.log_id, head.seq, head.hash, head.segment, head.first_seq, head.bytes,
      head.began_unix_ns, head.synced_unix_ns, head.lost, head.sealed);
  out.resize(kHeadBytes - 1, ' ');
  out.push_back('\n');
  return out;
}

std::optional<Head> DecodeHead(std::string_view bytes) {
  if (bytes.size() != kHeadBytes) return std::nullopt;
  const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  Head head;
  try {
    if (json.at("version").get<int>() != 1) return std::nullopt;
    json.at("log_id").get_to(head.log_id);
    json.at("seq").get_to(head.seq);
    json.at("hash").get_to(head.hash);
    json.at("segment").get_to(head.segment);
    json.at("first_seq").get_to(head.first_seq);
    json.at("bytes").get_to(head.bytes);
    json.at("began_unix_ns").get_to(head.began_unix_ns);
    json.at("synced_unix_ns").get_to(head.synced_unix_ns);
    json.at("lost").get_to(head.lost);
    json.at("sealed").get_to(head.sealed);
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  return head;
}

std::string SegmentName(std::uint64_t first_seq, std::uint64_t last_seq) {
  return fmt::format("{:020}-{:020}.jsonl", first_seq, last_seq);
}

std::optional<SegmentRange> ParseSegmentName(std::string_view name) {
  if (name.size() != 2 * kSeqDigits + 1 + 6 || name[kSeqDigits] != '-' ||
      name.substr(2 * kSeqDigits + 1) != ".jsonl") {
    return std::nullopt;
  }
  const auto first = ParseSeq(name.substr(0, kSeqDigits));
  const auto last = ParseSeq(name.substr(kSeqDigits + 1, kSeqDigits));
  if (!first || !last || *first > *last) return std::nullopt;
  return SegmentRange{*first, *last};
}

}  // namespace vortex::audit
