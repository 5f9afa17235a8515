// SPDX-License-Identifier: Apache-2.0
// Takes our framed records out of a plugin's stdout. The stream is untrusted: everything that is
// not exactly one of our records is output and passes through unchanged, byte for byte.
//   Source  docs/user/plugin-protocol.md; the framing is RFC 7464 (RS, JSON text, LF).
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace vortex::sandbox {

// Finds records that start with exactly RS {"vortex":"<kind>","token":"<token>", and end with LF.
// Memory is bounded by `max_record_bytes`; a longer candidate is output. Not thread-safe.
class RecordScanner {
 public:
  struct Kind {
    std::string name;   // "result"
    std::string token;  // 32 hex digits; who does not know it cannot make a record
  };

  // `output` gets the bytes that are not records, in order.
  RecordScanner(std::vector<Kind> kinds, std::size_t max_record_bytes,
                std::function<void(std::string_view)> output);

  void Feed(std::string_view bytes);
  // The stream has ended: an unfinished candidate is output.
  void Finish();

  // The newest record of that kind without RS and LF; empty when there is none.
  const std::string& record(std::size_t kind) const { return records_[kind]; }
  // Records were longer than the limit and went to the output.
  bool oversized() const { return oversized_; }

 private:
  enum class State { kText, kPrefix, kBody };

  // Consumes from the front of `bytes`, in the state of that name.
  void Text(std::string_view& bytes);
  void Prefix(std::string_view& bytes);
  void Body(std::string_view& bytes);
  void GiveUp();

  std::vector<std::string> prefixes_;
  std::vector<std::string> records_;
  std::size_t max_record_bytes_;
  std::function<void(std::string_view)> output_;
  State state_ = State::kText;
  std::size_t kind_ = 0;
  std::string candidate_;  // from RS on
  bool oversized_ = false;
};

}  // namespace vortex::sandbox
