// SPDX-License-Identifier: Apache-2.0
#include "sandbox/record_scanner.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace vortex::sandbox {
namespace {
constexpr char kRecordSeparator = '\x1e';
}

RecordScanner::RecordScanner(std::vector<Kind> kinds, std::size_t max_record_bytes,
                             std::function<void(std::string_view)> output)
    : records_(kinds.size()), max_record_bytes_(max_record_bytes), output_(std::move(output)) {
  for (const Kind& kind : kinds) {
    prefixes_.push_back(fmt::format("{}{{\"vortex\":\"{}\",\"token\":\"{}\",", kRecordSeparator,
                                    kind.name, kind.token));
  }
}

void RecordScanner::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kText:
        Text(bytes);
        break;
      case State::kPrefix:
        Prefix(bytes);
        break;
      case State::kBody:
        Body(bytes);
        break;
    }
  }
}

void RecordScanner::Finish() {
  if (state_ != State::kText) GiveUp();
}

void RecordScanner::Text(std::string_view& bytes) {
  const std::size_t rs = std::min(bytes.find(kRecordSeparator), bytes.size());
  if (rs > 0) output_(bytes.substr(0, rs));
  bytes.remove_prefix(rs);
  if (!bytes.empty()) state_ = State::kPrefix;
}

// Byte by byte, so that the first byte that fits no prefix ends the candidate.
void RecordScanner::Prefix(std::string_view& bytes) {
  while (!bytes.empty()) {
    candidate_ += bytes.front();
    const bool fits = std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& p) {
      return p.size() >= candidate_.size() && p.compare(0, candidate_.size(), candidate_) == 0;
    });
    if (!fits) {
      // The byte is looked at again as text: it may be the RS of a real record.
      candidate_.pop_back();
      return GiveUp();
    }
    bytes.remove_prefix(1);
    const auto whole = std::find(prefixes_.begin(), prefixes_.end(), candidate_);
    if (whole != prefixes_.end()) {
      kind_ = static_cast<std::size_t>(whole - prefixes_.begin());
      state_ = State::kBody;
      return;
    }
  }
}

void RecordScanner::Body(std::string_view& bytes) {
  // JSON text holds neither a raw LF nor a raw RS, so either one ends the candidate.
  const std::size_t end = std::min(bytes.find_first_of("\n\x1e"), bytes.size());
  if (candidate_.size() + end > max_record_bytes_) {
    oversized_ = true;
    return GiveUp();
  }
  candidate_.append(bytes.substr(0, end));
  bytes.remove_prefix(end);
  if (bytes.empty()) return;
  if (bytes.front() == kRecordSeparator) return GiveUp();
  bytes.remove_prefix(1);
  records_[kind_] = candidate_.substr(1);
  candidate_.clear();
  state_ = State::kText;
}

void RecordScanner::GiveUp() {
  output_(candidate_);
  candidate_.clear();
  state_ = State::kText;
}

}  // namespace vortex::sandbox
